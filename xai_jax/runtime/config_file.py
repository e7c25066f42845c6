"""Settings beside what was computed with them, so that a folder knows whose run it holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xai_jax.core import json_file
from xai_jax.core.content import as_json
from xai_jax.runtime import files
from xai_jax.runtime.files import write_whole
from xai_jax.runtime.manifest import in_words

NAME = "config.json"


def check(workdir: Path, settings: Any) -> None:
    """Refuses a folder that holds a run of other settings, or files of somebody else.

    Args:
        workdir: the run's folder, which need not exist yet.
        settings: all that the run's results depend on, for `core.content.as_json`.

    Raises:
        ValueError: with the first setting that differs and both its values, or a foreign file.
    """
    path = workdir / NAME
    if not path.exists():
        _check_empty(workdir)
        return
    found = json_file.read(path, Mapping[str, Any], "choose another --workdir")
    wanted = json.loads(_text(settings))
    if found != wanted:
        raise ValueError(
            f"{workdir} holds a run of another config: {in_words('', found, wanted)}; "
            "choose another --workdir, or the settings that the run began with."
        )


def _check_empty(workdir: Path) -> None:
    ours = {files.LOCK, files.partial(workdir / NAME).name}
    found = workdir.iterdir() if workdir.is_dir() else []
    strange = sorted({path.name for path in found} - ours)
    if strange:
        raise ValueError(
            f"{workdir} holds {strange[0]} and no run; choose an empty folder with --workdir."
        )


def write(workdir: Path, settings: Any) -> None:
    """Writes ``config.json``, every setting resolved."""
    write_whole(workdir / NAME, _text(settings).encode())


def _text(settings: Any) -> str:
    return json.dumps(as_json(settings), indent=1) + "\n"
