"""Settings (dataclasses): checked, and as JSON and back, with errors that name the field."""

import dataclasses
import difflib
import enum
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Settings = TypeVar("Settings")


def check_at_least(config: Any, **least: int | float) -> None:
    """Holds numeric fields of a config to their smallest values, ``field=smallest``.

    Raises:
        ValueError: a field is below; names it and both values.
    """
    for field, smallest in least.items():
        if getattr(config, field) < smallest:
            raise ValueError(f"{field} must be at least {smallest}, not {getattr(config, field)}.")


def to_json(value: Any) -> Any:
    """Settings as JSON has them: enums by value, tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value


def changed(base: Settings, values: Mapping[str, Any], where: str) -> Settings:
    """`base` with some fields replaced by what `to_json` made of them.

    Args:
        base: a dataclass.
        values: by field name.
        where: what errors call the origin of `values`.

    Raises:
        ValueError: a field does not exist, or a value has the wrong type.
    """
    kind = type(base)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    new = {}
    for name, value in values.items():
        if name not in names:
            raise ValueError(
                f"{where} has a field {name!r} that does not exist; {nearest(name, names)}"
            )
        new[name] = _coerced(hints[name], value, getattr(base, name), f"{where}, field {name!r}")
    return dataclasses.replace(base, **new)  # type: ignore[type-var]


def nearest(word: str, words: Iterable[str]) -> str:
    """The end of a sentence about a word that does not exist: what was perhaps meant."""
    words = list(words)
    close = difflib.get_close_matches(word, words, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(match) for match in close)}?"
    return f"there are {', '.join(words[:20])}."


def _coerced(hint: Any, value: Any, base: Any, where: str) -> Any:
    try:
        return _of_type(hint, value, base, where)
    except TypeError:
        raise ValueError(f"{where}: {value!r} is not {_described(hint)}.") from None


def _of_type(hint: Any, value: Any, base: Any, where: str) -> Any:
    """`value` as the annotation wants it; raises TypeError if that cannot be."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _first_of(arguments, value, base, where)
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin is typing.Literal:
        return _member(arguments, value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(_member([member.value for member in hint], value))
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return changed(base, value, where)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError
    return value


def _described(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(repr(member.value) for member in hint)
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    # An alias such as tuple[int, ...] counts as a type, and its name is not the whole of it.
    whole = typing.get_origin(hint) is None and isinstance(hint, type)
    return "of type " + (hint.__name__ if whole else str(hint))


def _first_of(hints: Iterable[Any], value: Any, base: Any, where: str) -> Any:
    for hint in hints:
        try:
            return _of_type(hint, value, base, where)
        except TypeError:
            continue
    raise TypeError


def _tuple(hints: tuple[Any, ...], value: Any, where: str) -> tuple:
    if not isinstance(value, list | tuple):
        raise TypeError
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(value)
    if len(hints) != len(value):
        raise TypeError
    return tuple(_of_type(hint, item, None, where) for hint, item in zip(hints, value, strict=True))


def _member(members: Iterable[Any], value: Any) -> Any:
    if value not in tuple(members):
        raise TypeError
    return value
