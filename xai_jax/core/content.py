"""What settings contain: as JSON, for people and later starts, or as what tells them apart."""

import dataclasses
import enum
import functools
import hashlib
import json
import math
import types
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np


def to_json(value: Any) -> Any:
    """Settings as `core.settings.changed` reads them: enums by value, tuples as lists.

    Raises:
        ValueError: something has no such form.
    """
    return _walked(value, _name, with_classes=False)


def as_json(value: Any) -> Any:
    """The same with the class of each dataclass and enum, to recognise settings by.

    Raises:
        ValueError: something has no such form, and so would not be recognised at the next start.
    """
    return _walked(value, _name, with_classes=True)


def content(value: Any) -> Hashable:
    """What is equal for settings with the same content, and for no others.

    An array is known by its bytes, a class or function by being the same object (which the result
    keeps alive): one of the same name may do something else.

    Raises:
        ValueError: there is an object of no such kind, which might change without notice.
    """
    met: list[Any] = []

    def number(kind: Any) -> str:
        met.append(kind)
        return f"object {len(met)}"

    return json.dumps(_walked(value, number, with_classes=True)), tuple(met)


def _walked(value: Any, name: Callable[[Any], str], with_classes: bool) -> Any:
    """`value` in JSON's types; `name` says what a class or a function is called."""
    walk = functools.partial(_walked, name=name, with_classes=with_classes)
    if isinstance(value, enum.Enum):
        return f"{name(type(value))}.{value.name}" if with_classes else value.value
    if value is None or isinstance(value, bool | int | float | str):
        # JSON has neither NaN nor infinity.
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: walk(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": name(type(value)), **fields} if with_classes else fields
    if isinstance(value, Mapping):
        return {str(key): walk(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [walk(item) for item in value]
    if isinstance(value, functools.partial):
        return [walk(part) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, types.MethodType):
        return [walk(value.__func__), walk(value.__self__)]
    return name(value) if hasattr(value, "__qualname__") else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path | np.dtype):
        return str(value)
    if isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        value = jax.random.key_data(value)
    if isinstance(value, np.ndarray | jax.Array) and value.dtype != object:
        array = np.asarray(value)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest}
    raise ValueError(_unknown(value))


def _name(value: Any) -> str:
    """Of a class, or of a function that its module keeps under that name.

    Raises:
        ValueError: a function without such a name, which may close over anything.
    """
    if "<" in value.__qualname__ and not isinstance(value, type):
        raise ValueError(_unknown(value))
    return f"{value.__module__}.{value.__qualname__}"


def _unknown(value: Any) -> str:
    return (
        f"{value!r} among the settings cannot be told from another by what it contains; use "
        "numbers, words, arrays, functions of a module and dataclasses of these."
    )
