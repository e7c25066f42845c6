"""Weights files that no training writes: damaged, of a foreign program, or of the wrong content."""

import json
import pathlib

import numpy as np
import pytest
import safetensors.numpy


def parts(path: pathlib.Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and arrays of a good file."""
    with safetensors.safe_open(path, "np") as file:
        about = json.loads(file.metadata()["xai_jax"])
    return about, safetensors.numpy.load_file(path)


def write(path: pathlib.Path, about: dict | str, arrays: dict[str, np.ndarray]) -> pathlib.Path:
    """A file with any header, JSON or not, and any arrays."""
    text = about if isinstance(about, str) else json.dumps(about)
    path.write_bytes(safetensors.numpy.save(arrays, metadata={"xai_jax": text}))
    return path


def refusal(call, path: pathlib.Path) -> str:
    """The one sentence of a loader that refuses the file."""
    with pytest.raises(ValueError) as error:
        call()
    message = str(error.value)
    assert message.endswith((".", "?")) and "\n" not in message and len(message) < 800, message
    assert str(path) in message
    return message


DEEP = "[" * 100_000 + "]" * 100_000


def deep(levels: int) -> list:
    return json.loads("[" * levels + "]" * levels)


def _changed(**fields):
    return lambda about, arrays: (about | fields, arrays)


def _inside(field: str, **fields):
    return lambda about, arrays: (about | {field: about[field] | fields}, arrays)


def _arrays(change):
    return lambda about, arrays: (about, change(dict(arrays)))


def _without(name: str):
    return lambda about, arrays: ({k: v for k, v in about.items() if k != name}, arrays)


def _first(arrays, change):
    name = next(iter(arrays))
    return arrays | {name: change(arrays[name])}


def _filled(array, value):
    array = array.copy()
    array.flat[-1] = value
    return array


NO_OBJECTS = {"null": None, "5": 5, "[]": [], "x": "x", "true": True, "[[]]": [[]]}
HEADERS = {
    "deep text": lambda about, arrays: (DEEP, arrays),
    "no json": lambda about, arrays: ("{", arrays),
    "digits": lambda about, arrays: ("1" * 10_000, arrays),
    **{
        f"header {name}": lambda about, arrays, value=value: (json.dumps(value), arrays)
        for name, value in NO_OBJECTS.items()
    },
    **{
        f"{field} {name}": _changed(**{field: value})
        for field in ("config", "preprocess")
        for name, value in {**NO_OBJECTS, "deep": {"x": deep(500)}}.items()
    },
    **{
        f"class_names {name}": _changed(class_names=value)
        for name, value in {
            "null": None,
            "5": 5,
            "true": True,
            "a dict": {"a": 1, "b": 2, "c": 3, "d": 4},
            "text": "abcd",
            "numbers": [1, 2, 3, 4],
            "lists": [["a"], ["b"], ["c"], ["d"]],
            "half a pair": ["a", "b", "c", "\ud800"],
            "nothing": ["a", "b", "c", " "],
        }.items()
    },
    **{
        f"kind {name}": _changed(kind=value)
        for name, value in {
            **NO_OBJECTS,
            "empty": "",
            "a path": "../x",
            "lines": "a\nb",
            "long": "x" * 10_000,
        }.items()
    },
    **{
        f"preprocess.{name} {value}": _inside("preprocess", **{name: value})
        for name, value in (
            ("height", 2**70),
            ("width", 10**6),
            ("height", 0),
            ("width", -1),
            ("height", 16.5),
            ("height", True),
            ("width", "16"),
            ("crop", 1e-9),
            ("crop", 1.5),
            ("crop", -0.5),
            ("crop", float("nan")),
            ("crop", float("inf")),
            ("crop", 10**400),
            ("resample", "nearest"),
            ("resample", []),
            ("sides", 3),
        )
    },
    **{f"no {name}": _without(name) for name in ("kind", "config", "preprocess", "class_names")},
    "an earlier format": _without("format"),
    "a later format": _changed(format=10**6),
    "a format of lists": _changed(format=[[1]]),
    "another kind": _changed(kind="fido"),
    "no settings of its": _changed(config={"nonsense": 1}),
}
ARRAYS = {
    "none": _arrays(lambda arrays: {}),
    "one less": _arrays(lambda arrays: dict(list(arrays.items())[1:])),
    "one more": _arrays(lambda arrays: arrays | {"params/extra": np.zeros(2, np.float32)}),
    "a foreign one": _arrays(lambda arrays: arrays | {"x": np.zeros(2, np.float32)}),
    "params too": _arrays(lambda arrays: arrays | {"params": np.zeros(2, np.float32)}),
    "many folders": _arrays(lambda arrays: arrays | {"a/" * 5_000: np.zeros(2, np.float32)}),
    "int32": _arrays(lambda arrays: _first(arrays, lambda x: x.astype(np.int32))),
    "uint32": _arrays(lambda arrays: {k: x.astype(np.uint32) for k, x in arrays.items()}),
    "float64": _arrays(lambda arrays: _first(arrays, lambda x: x.astype(np.float64))),
    "bool": _arrays(lambda arrays: _first(arrays, lambda x: x > 0)),
    "NaN": _arrays(lambda arrays: _first(arrays, lambda x: _filled(x, np.nan))),
    "infinity": _arrays(lambda arrays: _first(arrays, lambda x: _filled(x, -np.inf))),
    "a longer one": _arrays(lambda arrays: _first(arrays, lambda x: np.concatenate([x, x]))),
    "a scalar": _arrays(lambda arrays: _first(arrays, lambda x: x.reshape(-1)[:1].reshape(()))),
    "names of their order": _arrays(
        lambda arrays: dict(zip(reversed(list(arrays)), arrays.values(), strict=True))
    ),
}
WRONG = {**HEADERS, **{f"arrays: {name}": change for name, change in ARRAYS.items()}}
DAMAGED = {
    "empty": lambda content: b"",
    "text": lambda content: b"no weights",
    "half": lambda content: content[: len(content) // 2],
    "one byte less": lambda content: content[:-1],
    "one byte more": lambda content: content + b"x",
    "header cut": lambda content: content[:100],
    "a huge header": lambda content: b"\xff" * 8 + content[8:],
    "foreign": lambda content: safetensors.numpy.save({"x": np.zeros(3, np.float32)}),
    "foreign with metadata": lambda content: safetensors.numpy.save(
        {"x": np.zeros(3, np.float32)}, metadata={"format": "pt"}
    ),
    "of half floats": lambda content: _bfloat16(),
}


def _bfloat16() -> bytes:
    about = {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    text = json.dumps(about).encode()
    return len(text).to_bytes(8, "little") + text + b"\0" * 4
