"""Compiled programs kept in the user's cache folder, so that the next start need not compile."""

import os
import tempfile
from pathlib import Path

import jax


def enable() -> None:
    """Keeps compiled programs in ``$XDG_CACHE_HOME/xai_jax`` (``~/.cache/xai_jax``).

    Does nothing where that folder cannot be written to, and where the user has chosen one
    (JAX_COMPILATION_CACHE_DIR) or none (JAX_ENABLE_COMPILATION_CACHE=false).
    """
    if jax.config.jax_compilation_cache_dir:  # type: ignore[attr-defined]
        return
    folder = _folder()
    if folder is None:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Small programs too: a cold start consists of dozens of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _folder() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) / "xai_jax"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None
