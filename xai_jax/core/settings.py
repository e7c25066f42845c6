"""Settings (dataclasses): what they may hold is declared in their annotations, and holds always."""

import collections.abc
import dataclasses
import difflib
import enum
import functools
import inspect
import os
import types
import typing
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import jax
import numpy as np

Kind = TypeVar("Kind", bound="Settings")


class Settings:
    """Base of the dataclasses of settings: a field never holds what its annotation does not allow.

    A value is coerced and checked whenever it is set: by the constructor, ``dataclasses.replace``,
    or an assignment (of the command line, say). Words become members of an enum, lists tuples, and
    mappings the settings that the annotation names. `core.domains` has the domains of numbers.
    """

    __slots__ = ()
    _hints: ClassVar[Mapping[str, Any]] = {}  # by field, with the domains

    def __init_subclass__(cls) -> None:
        """Takes the domains out of the annotations: `ml_collections` knows plain types only."""
        if "_hints" in vars(cls):
            return  # the second of the two classes that a dataclass with slots makes
        own = inspect.get_annotations(cls)
        whole, plain = typing.get_type_hints(cls, include_extras=True), typing.get_type_hints(cls)
        cls._hints = {**cls._hints, **{name: whole[name] for name in own}}
        cls.__annotations__ = {name: _without_choices(plain[name]) for name in own}

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a field to what its annotation makes of the value.

        Raises:
            ValueError: it does not allow the value; names class, field, value and domain.
        """
        object.__setattr__(self, name, self._fitted(name, value))

    def __post_init__(self) -> None:
        """Does the same for a frozen dataclass, whose constructor goes past `__setattr__`."""
        for name in self._hints:
            object.__setattr__(self, name, self._fitted(name, getattr(self, name)))

    def _fitted(self, name: str, value: Any) -> Any:
        if name not in self._hints:
            return value
        base = self._now(name) if isinstance(value, Mapping) else None
        return coerced(self._hints[name], value, f"{_short(type(self))}: {name}", base)

    def _now(self, name: str) -> Any:
        """What a field holds, or else its default: where a mapping of some fields starts from."""
        if hasattr(self, name):
            return getattr(self, name)
        field = {f.name: f for f in dataclasses.fields(self)}[name]  # type: ignore[arg-type]
        return None if field.default_factory is dataclasses.MISSING else field.default_factory()


def _without_choices(hint: Any) -> Any:
    return type(typing.get_args(hint)[0]) if typing.get_origin(hint) is typing.Literal else hint


def changed(base: Kind | type[Kind], values: Mapping[str, Any], where: str) -> Kind:
    """`base` with some fields replaced by what `core.content.to_json` made of them.

    Args:
        base: settings, or their class, of which no field is set yet.
        values: by field name.
        where: what errors call the origin of `values`.

    Raises:
        ValueError: a field does not exist or is missing, or does not allow its value.
    """
    kind = base if isinstance(base, type) else type(base)
    new = {}
    for name, value in values.items():
        if name not in kind._hints:
            raise ValueError(
                f"{where} has a field {name!r} that does not exist; {nearest(name, kind._hints)}"
            )
        now = None if isinstance(base, type) else getattr(base, name)
        new[name] = coerced(kind._hints[name], value, f"{where}.{name}", now)
    if not isinstance(base, type):
        return dataclasses.replace(base, **new)  # type: ignore[type-var]
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        unset = field.default is field.default_factory is dataclasses.MISSING
        if unset and field.name not in new:
            raise ValueError(f"{where} lacks {field.name!r}; give it too.")
    return kind(**new)


def nearest(word: str, words: Iterable[str]) -> str:
    """The end of a sentence about a word that does not exist: what was perhaps meant."""
    words = list(words)
    close = difflib.get_close_matches(word, words, n=3, cutoff=0.5)
    if not close and word.lower() != word:  # GradCAM for gradcam
        close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.7)
    if close:
        return f"did you mean {' or '.join(repr(match) for match in close)}?"
    return f"there are {', '.join(words[:30])}."


def coerced(hint: Any, value: Any, where: str, base: Any = None) -> Any:
    """`value` as an annotation wants it.

    Args:
        hint: the annotation, domains included.
        value: a value, as Python, JSON or the command line has it.
        where: what an error says must be so: class and field, or the name of an argument.
        base: settings, of which a mapping changes some fields.

    Raises:
        ValueError: the annotation does not allow it.
    """
    try:
        return _fit(hint, value, where, base)
    except TypeError:
        raise ValueError(_refusal(hint, value, where)) from None


def _fit(hint: Any, value: Any, where: str, base: Any) -> Any:
    """As `coerced`; raises TypeError if that cannot be, ValueError within nested settings."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        fitting = _fit(arguments[0], value, where, base)
        if not all(fitting in domain for domain in arguments[1:]):
            raise TypeError
        return fitting
    if origin in (typing.Union, types.UnionType):
        return _first_of(arguments, value, where, base)
    if origin is typing.Literal:
        return _member({choice: choice for choice in arguments}, value)
    if origin is not None:
        return _generic(origin, arguments, value, where)
    if isinstance(hint, type) and issubclass(hint, Settings) and isinstance(value, Mapping):
        return changed(base if isinstance(base, hint) else hint, value, where)
    return _single(hint, value)


def _first_of(hints: tuple[Any, ...], value: Any, where: str, base: Any) -> Any:
    if value is None and types.NoneType in hints:
        return None
    hints = tuple(hint for hint in hints if hint is not types.NoneType)
    for hint in hints[:-1]:
        try:
            return _fit(hint, value, where, base)
        except (TypeError, ValueError):
            continue
    if len(hints) == 1:
        return _fit(hints[0], value, where, base)
    try:
        return _fit(hints[-1], value, where, base)
    except ValueError:  # the sentence is about one of several
        raise TypeError from None


def _generic(origin: Any, arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    """Of a parametrised annotation: a tuple, a mapping, a function or a class."""
    if origin is collections.abc.Mapping and isinstance(value, Mapping):
        keys, items = arguments
        return {
            _fit(keys, key, where, None): _fit(items, item, f"{where}[{key!r}]", None)
            for key, item in value.items()
        }
    if origin in (tuple, collections.abc.Sequence) and isinstance(value, list | tuple):
        if origin is not tuple or arguments[-1] is Ellipsis:
            arguments = arguments[:1] * len(value)
        if len(arguments) != len(value):
            raise TypeError
        pairs = zip(arguments, value, strict=True)
        return tuple(_fit(hint, item, where, None) for hint, item in pairs)
    if origin is collections.abc.Callable:
        is_one = callable(value)
    elif origin is type:
        is_one = isinstance(value, type)
    else:  # something that is built, say: what its type parameters are is not known here
        is_one = isinstance(value, origin) and not isinstance(value, type)
    if not is_one:
        raise TypeError
    return value


def _single(hint: Any, value: Any) -> Any:
    """Of an annotation that is a class: a number, a word, a member, an array or an object."""
    if hint is Any or isinstance(hint, TypeVar):
        return value
    if hint in (int, float, bool):
        return _number(hint, value)
    if hint in (str, Path) and isinstance(value, str | os.PathLike):
        return hint(value)
    if issubclass(hint, enum.Enum) and not isinstance(value, hint):
        by_name = {member.name.lower(): member for member in hint}
        by_value = {str(member.value).lower(): member for member in hint}
        return _member(by_name | by_value, value.lower() if isinstance(value, str) else None)
    if isinstance(value, np.ndarray) and getattr(hint, "array_type", None) is jax.Array:
        value = jax.numpy.asarray(value)
    if not isinstance(value, hint):
        raise TypeError
    return value


def _number(kind: type, value: Any) -> Any:
    """A truth is no number and a number no truth; a float that is whole will do for an int."""
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) not in ({bool} if kind is bool else {int, float}) or value - value != 0:
        raise TypeError  # infinity less itself is NaN
    if kind is int and value != int(value):
        raise TypeError
    try:
        return kind(value)
    except OverflowError:
        raise TypeError from None


def _member(members: Mapping[Any, Any], value: Any) -> Any:
    if not isinstance(value, Hashable) or value not in members:
        raise TypeError
    return members[value]


def _refusal(hint: Any, value: Any, where: str) -> str:
    shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:77]}..."
    words = [word for word in _words(hint) if isinstance(value, str) and isinstance(word, str)]
    close = difflib.get_close_matches(str(value).lower(), words, n=1, cutoff=0.5)
    end = f"; did you mean {close[0]!r}?" if close else "."
    return f"{where} must be {_described(hint)}, not {shown}{end}"


def _words(hint: Any) -> list[Any]:
    """Those that an annotation lists."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [member.value for member in hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return list(arguments)
    return [word for argument in arguments for word in _words(argument)]


_PLAIN: Mapping[Any, str] = {
    int: "a whole number",
    float: "a finite number",
    bool: "True or False",
    str: "a string",
    type: "a class",
    collections.abc.Mapping: "a mapping",
    types.NoneType: "None",
    collections.abc.Callable: "a function",
}


def _described(hint: Any) -> str:
    """An annotation in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        told = _described(arguments[0])
        return functools.reduce(lambda words, domain: domain.told(words), arguments[1:], told)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_described, arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return f"any number of values, each {_described(arguments[0])}"
    if origin is tuple:
        return f"{len(arguments)} values: {', '.join(map(_described, arguments))}"
    if _words(hint):
        return "one of " + ", ".join(map(repr, _words(hint)))
    kind = hint if origin is None else origin
    return _PLAIN.get(kind, f"of type {getattr(kind, '__name__', kind)}")


def _short(kind: type) -> str:
    """A class as users import it: fido.Config."""
    folders = kind.__module__.split(".")
    of_method = "methods" in folders[:-1]
    return f"{folders[folders.index('methods') + 1] if of_method else folders[-1]}.{kind.__name__}"
