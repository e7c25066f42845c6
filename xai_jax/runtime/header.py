"""What a weights file says of its arrays: written, and read with every type and range checked."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from xai_jax.core import json_file
from xai_jax.core.content import to_json
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings, changed

Kind = TypeVar("Kind", bound=Settings)

FORMAT = 2
REMEDY = "let its training write it again (python train.py with the same --config and --workdir)"
_LONGEST_KIND = 40  # characters
_LONGEST_SIDE = 65_535  # pixels, as many as a JPEG can have
_SMALLEST_CROP = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class Header:
    """What one must know in order to use the arrays.

    Fields:
        kind: "classifier", or the name of the method that was trained.
        config: settings as `core.content.to_json` wrote them; `settings` reads them.
        preprocess: how a photograph becomes the network's input.
        class_names: one a class; empty where there are no classes.
    """

    kind: str
    config: Mapping[str, Any]
    preprocess: Preprocess
    class_names: tuple[str, ...]


_FIELDS = tuple(field.name for field in dataclasses.fields(Header))


def text(header: Header) -> str:
    """The header as JSON, with the number of its format."""
    fields = {name: to_json(getattr(header, name)) for name in _FIELDS}
    return json.dumps({"format": FORMAT, **fields})


def parsed(written: str, path: Path) -> Header:
    """What `text` made.

    Args:
        written: the JSON.
        path: of the file, for errors.

    Raises:
        ValueError: it is of another format, lacks something, or something in it has a type or a
            value that cannot be.
    """
    fields = _fields(written, path)
    kind, config, preprocess, names = (fields[name] for name in _FIELDS)
    fits = isinstance(kind, str) and kind.isidentifier() and len(kind) <= _LONGEST_KIND
    _check(fits, path, "kind", kind, "the name of a method or of a classifier")
    _check(isinstance(config, dict), path, "config", config, "an object of settings")
    _check(isinstance(preprocess, dict), path, "preprocess", preprocess, "an object of settings")
    _check(isinstance(names, list), path, "class_names", names, "a list of names")
    for index, name in enumerate(names):
        _check(_is_name(name), path, f"class_names[{index}]", name, "a name")
    made = settings(Preprocess(), preprocess, path, "preprocess")
    _check_preprocess(made, path)
    return Header(
        kind=kind,
        config=config,
        preprocess=made,
        class_names=tuple(names),
    )


def settings(base: Kind, values: Mapping[str, Any], path: Path, field: str) -> Kind:
    """`base` with the values of a header's field.

    Raises:
        ValueError: a setting does not exist, or a value has the wrong type or is too large.
    """
    try:
        return changed(base, values, f"{path}: {field}")
    except OverflowError:
        raise ValueError(f"{path}: {field} has a number that is too large; {REMEDY}.") from None


def _fields(written: str, path: Path) -> dict[str, Any]:
    found = json_file.parsed(written, f"The header of {path}", REMEDY)
    if not isinstance(found, dict):
        raise ValueError(f"The header of {path} is damaged; {REMEDY}.")
    version = found.get("format", 1)
    if version != FORMAT:
        raise ValueError(
            f"{path} is a weights file of format {version!r:.20}, and format {FORMAT} is read "
            f"here; {REMEDY}, or train anew in another --workdir."
        )
    missing = [name for name in _FIELDS if name not in found]
    if missing:
        raise ValueError(f"The header of {path} has no {missing[0]}; {REMEDY}.")
    return found


def _is_name(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value.strip().encode()) > 0
    except UnicodeEncodeError:  # half of a surrogate pair, which no file and no terminal takes
        return False


def _check_preprocess(preprocess: Preprocess, path: Path) -> None:
    for name in ("height", "width"):
        side = getattr(preprocess, name)
        fits = 1 <= side <= _LONGEST_SIDE
        _check(fits, path, f"preprocess.{name}", side, f"from 1 to {_LONGEST_SIDE} pixels")
    crop = preprocess.crop
    fits = crop == 0 or _SMALLEST_CROP <= crop <= 1
    _check(fits, path, "preprocess.crop", crop, f"0, or a share from {_SMALLEST_CROP} to 1")


def _check(fits: bool, path: Path, field: str, value: Any, wanted: str) -> None:
    if not fits:
        raise ValueError(f"{path}: {field} is {value!r:.80} and must be {wanted}; {REMEDY}.")
