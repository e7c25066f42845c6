"""Reads ONNX files as data: no package is needed and nothing in them runs.

A file is a Protocol Buffers message; the numbers of its fields are those of `onnx.proto3` (ONNX
1.x). Weights may lie in files beside it.
"""

import dataclasses
import hashlib
import math
import struct
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx.protobuf import Damaged, Message, as_bytes

_REMEDY = "export it again with torch.onnx.export"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """One operator of a graph.

    Fields:
        op, name: which operator, and what the node is called in the file.
        domain: "" is ONNX's own.
        opset: the version of the operators.
        inputs, outputs: names of values; "" where one is left out.
        attributes: numbers, text, arrays, or tuples of them.
    """

    op: str
    name: str
    domain: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or what it is where it is left out."""
        return self.attributes.get(name, default)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """What a file holds.

    Fields:
        nodes: in an order in which they can be computed.
        tensors: the arrays that the file holds, by the name of the value.
        inputs: the shape of each input, ``None`` for a side that is free; no tensors among them.
        outputs: names.
        metadata: what the exporter's user has written beside.
        sha256: of the file, and of the files of weights beside it.
    """

    nodes: tuple[Node, ...]
    tensors: Mapping[str, np.ndarray]
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str]
    sha256: str


def read(path: Path) -> Model:
    """The graph in an ONNX file and its weights.

    Raises:
        ValueError: the file is damaged or none of ONNX, or its weights are missing or lie outside
            its folder; one sentence.
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    beside = _Beside(path.parent)
    try:
        model = _model(Message(content), beside)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, Damaged) as error:
        raise ValueError(
            f"{path} is no ONNX model, or is damaged ({error or 'cut off'}); {_REMEDY}."
        ) from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    digest = hashlib.sha256(content)
    for name in sorted(beside.files):
        digest.update(beside.files[name])
    return dataclasses.replace(model, sha256=digest.hexdigest())


class _Beside:
    """Files of weights in the model's own folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.files = folder, {}  # type: ignore[var-annotated]

    def part(self, entries: Mapping[str, str]) -> memoryview:
        """The bytes that a tensor's entries `location`, `offset` and `length` name."""
        name = entries.get("location", "")
        parts = PurePosixPath(name).parts
        path = self._folder / name
        inside = path.resolve().is_relative_to(self._folder.resolve())
        if not name or "\0" in name or "\\" in name or ".." in parts or not inside:
            raise ValueError(
                f"its weights are said to lie in {name!r:.80}, not in its folder; {_REMEDY}."
            )
        if name not in self.files:
            if not path.is_file():
                raise ValueError(
                    f"its weights lie in the file {name:.80}, which is missing; put it beside."
                )
            self.files[name] = path.read_bytes()
        content = memoryview(self.files[name])
        start = int(entries.get("offset", 0))
        end = start + int(entries["length"]) if "length" in entries else len(content)
        if not 0 <= start <= end <= len(content):
            raise ValueError(f"its file of weights {name:.80} is cut off; copy it again.")
        return content[start:end]


def _model(message: Message, beside: _Beside) -> Model:
    graphs = message.messages(7)
    opsets = {entry.text(1): entry.integer(2) for entry in message.messages(8)}
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    if not graphs or not opset:
        raise Damaged("it has no graph")
    graph = graphs[0]
    tensors = dict(_tensor(tensor, beside) for tensor in graph.messages(5))
    if graph.all(15):
        raise ValueError(f"it has sparse weights, which cannot be read; {_REMEDY} as dense ones.")
    inputs = dict(_shape(value) for value in graph.messages(11))
    return Model(
        nodes=tuple(_node(node, opset, beside) for node in graph.messages(1)),
        tensors=tensors,
        inputs={name: shape for name, shape in inputs.items() if name not in tensors},
        outputs=tuple(value.text(1) for value in graph.messages(12)),
        metadata={entry.text(1): entry.text(2) for entry in message.messages(14)},
        sha256="",
    )


def _node(message: Message, opset: int, beside: _Beside) -> Node:
    domain = message.text(7)
    return Node(
        op=message.text(4),
        name=message.text(3),
        domain="" if domain == "ai.onnx" else domain,
        opset=opset,
        inputs=message.texts(1),
        outputs=message.texts(2),
        attributes=dict(_attribute(attribute, beside) for attribute in message.messages(5)),
    )


def _attribute(message: Message, beside: _Beside) -> tuple[str, Any]:
    """Name and value; the type (field 20) says which of the fields holds it."""
    value: Any = None
    kind = message.integer(20)
    if kind == 1:
        value = float(message.packed(2, "<f4")[-1]) if message.all(2) else 0.0
    elif kind == 2:
        value = message.integer(3)
    elif kind == 3:
        value = message.text(4)
    elif kind == 4:
        value = _tensor(message.messages(5)[0], beside)[1]
    elif kind == 6:
        value = tuple(map(float, message.packed(7, "<f4")))
    elif kind == 7:
        value = tuple(message.integers(8))
    elif kind == 8:
        value = message.texts(9)
    return message.text(1), value  # graphs of control flow stay None: their operators are unknown


def _shape(message: Message) -> tuple[str, tuple[int | None, ...]]:
    sides: list[int | None] = []
    for kind in message.messages(2):
        for tensor in kind.messages(1):
            for shape in tensor.messages(2):
                sides += [side.integer(1) or None for side in shape.messages(1)]
    return message.text(1), tuple(sides)


# By `TensorProto.DataType`: how it lies in the file, and the field that holds it otherwise.
_KINDS: Mapping[int, tuple[Any, int]] = {
    1: (np.dtype("<f4"), 4),
    2: (np.dtype("u1"), 5),
    3: (np.dtype("i1"), 5),
    4: (np.dtype("<u2"), 5),
    5: (np.dtype("<i2"), 5),
    6: (np.dtype("<i4"), 5),
    7: (np.dtype("<i8"), 7),
    9: (np.dtype("?"), 5),
    10: (np.dtype("<f2"), 5),
    11: (np.dtype("<f8"), 10),
    12: (np.dtype("<u4"), 11),
    13: (np.dtype("<u8"), 11),
    16: (np.dtype(jnp.bfloat16), 5),
}


def _tensor(message: Message, beside: _Beside) -> tuple[str, np.ndarray]:
    name, dims, code = message.text(8), tuple(message.integers(1)), message.integer(2)
    if code not in _KINDS:
        raise ValueError(
            f"the tensor {name!r:.80} is of type {code}, which no float network holds; {_REMEDY}."
        )
    kind, field = _KINDS[code]
    if message.integer(14) == 1:
        raw = beside.part({entry.text(1): entry.text(2) for entry in message.messages(13)})
    elif message.all(9):
        raw = as_bytes(message.all(9)[-1])
    else:
        raw = memoryview(_listed(message, field, kind)).cast("B")
    if min(dims, default=0) < 0 or len(raw) != math.prod(dims) * kind.itemsize:
        raise Damaged(f"the tensor {name!r:.80} has not the size that it says")
    array = np.frombuffer(raw, kind).reshape(dims)
    return name, array.astype(np.float32, copy=False) if kind.kind in "fV" else array


def _listed(message: Message, field: int, kind: np.dtype) -> bytes:
    """The bytes of a tensor whose numbers stand one by one in the message."""
    if field in (4, 10):
        return message.packed(field, kind.str).tobytes()
    numbers = np.array(message.integers(field), np.int64)
    if kind.itemsize == 2 and kind.kind in "fV":
        return numbers.astype(np.uint16).tobytes()  # the bits of half precision
    return numbers.astype(kind).tobytes()
