"""Settings as JSON, so that a folder knows whose run it holds."""

import dataclasses
import enum
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.runtime.files import write_whole
from xai_jax.runtime.manifest import in_words

NAME = "config.json"


def check(workdir: Path, settings: Any) -> None:
    """Refuses a folder that holds a run of other settings.

    Args:
        workdir: the run's folder, which need not exist yet.
        settings: all that the run's results depend on, for `as_json`.

    Raises:
        ValueError: with the first setting that differs and both its values.
    """
    path = workdir / NAME
    if not path.exists():
        return
    try:
        found = json.loads(path.read_text())
    except ValueError:
        raise ValueError(f"{path} is no JSON; choose another --workdir.") from None
    wanted = json.loads(_text(settings))
    if found != wanted:
        raise ValueError(
            f"{workdir} holds a run of another config: {in_words('', found, wanted)}; "
            "choose another --workdir, or the settings that the run began with."
        )


def write(workdir: Path, settings: Any) -> None:
    """Writes ``config.json``, every setting resolved."""
    write_whole(workdir / NAME, _text(settings).encode())


def _text(settings: Any) -> str:
    return json.dumps(as_json(settings), indent=1) + "\n"


def as_json(value: Any) -> Any:
    """Settings in JSON's types: a dataclass with its class, an array as its hash.

    Raises:
        ValueError: something has no such form, and so would not be recognised at the next start.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, enum.Enum):
        return f"{_name(type(value))}.{value.name}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": _name(type(value)), **fields}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return _atom(value)


def _atom(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | jax.Array):
        array = np.ascontiguousarray(value)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, functools.partial):
        return [as_json(part) for part in (value.func, value.args, value.keywords)]
    if hasattr(value, "__qualname__") and "<lambda>" not in value.__qualname__:
        return _name(value)
    raise ValueError(
        f"{value!r} of the config cannot be written to {NAME}; use numbers, words, "
        "functions of a module and dataclasses of these."
    )


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"
