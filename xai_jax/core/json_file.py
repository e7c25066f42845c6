"""JSON that others may have written or damaged, read with every type checked.

One sentence names the file, what is wrong in it, and what to do.
"""

import json
from pathlib import Path
from typing import Any

from xai_jax.core.settings import coerced

_DEEPEST = 20  # lists and objects within each other


def read(path: Path, hint: Any, remedy: str) -> Any:
    """The content of a file, as an annotation wants it.

    Args:
        path: of the file, UTF-8.
        hint: what `core.settings.coerced` takes: a class of settings, ``Mapping[str, Any]``, ...
        remedy: what to do where the file is damaged; the end of the sentence.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no JSON, or a value has a type or a size that it cannot have.
        OSError: it cannot be read.
    """
    return fitting(parsed(path.read_bytes(), str(path), remedy), hint, str(path), remedy)


def parsed(text: str | bytes, where: str, remedy: str) -> Any:
    """JSON without NaN or infinity, which it does not have, and not nested without end.

    Raises:
        ValueError: it is none.
    """
    try:
        found = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise ValueError(f"{where} is damaged: it is no JSON; {remedy}.") from None
    if not _is_shallow(found):
        raise ValueError(f"{where} is damaged: it is nested too deep; {remedy}.")
    return found


def fitting(found: Any, hint: Any, where: str, remedy: str) -> Any:
    """What was parsed, as an annotation wants it.

    Raises:
        ValueError: it does not allow that.
    """
    try:
        return coerced(hint, found, where)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{str(error).rstrip('.')}; {remedy}.") from None


def _refused(constant: str) -> None:
    raise ValueError(constant)


def _is_shallow(value: Any) -> bool:
    """Whether lists and objects lie within each other no deeper than settings do."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for node in level
            if isinstance(node, dict | list)
            for item in (node.values() if isinstance(node, dict) else node)
        ]
    return not level
