"""Writes small ONNX files by hand: messages of Protocol Buffers, without the package `onnx`."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

CODES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10,
         "float64": 11}  # fmt: skip


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(number: int, values: Sequence[Any]) -> bytes:
    return b"".join(field(number, value) for value in values)


def tensor(name: str, value: np.ndarray, location: str | None = None, offset: int = 0) -> bytes:
    """`location`: the file beside the model where its bytes lie, from `offset` on."""
    head = fields(1, value.shape) + field(2, CODES[value.dtype.name]) + field(8, name)
    if location is None:
        return head + field(9, value.tobytes())
    entries = {"location": location, "offset": str(offset), "length": str(value.nbytes)}
    return head + fields(13, [field(1, k) + field(2, v) for k, v in entries.items()]) + field(14, 1)


def attribute(name: str, value: Any) -> bytes:
    if isinstance(value, float):
        body = varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    elif isinstance(value, int):
        body = field(3, value) + field(20, 2)
    elif isinstance(value, str):
        body = field(4, value) + field(20, 3)
    elif isinstance(value, np.ndarray):
        body = field(5, tensor("", value)) + field(20, 4)
    elif value and isinstance(value[0], float):
        body = field(7, struct.pack(f"<{len(value)}f", *value)) + field(20, 6)
    else:
        body = fields(8, list(value)) + field(20, 7)
    return field(1, name) + body


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **how: Any
) -> bytes:
    attributes = [attribute(name, value) for name, value in how.items()]
    return (
        fields(1, list(inputs)) + fields(2, list(outputs)) + field(3, f"{op}_{outputs[0]}")
        + field(4, op) + fields(5, attributes) + (field(7, domain) if domain else b"")
    )  # fmt: skip


def value(name: str, shape: Sequence[int | str], code: int = 1) -> bytes:
    sides = [field(1, n) if isinstance(n, int) else field(2, n) for n in shape]
    return field(1, name) + field(2, field(1, field(1, code) + field(2, fields(1, sides))))


def model(
    nodes: Sequence[bytes],
    tensors: Mapping[str, np.ndarray],
    shape: Sequence[int | str],
    *,
    output: str = "y",
    opset: int = 17,
    metadata: Mapping[str, str] = {},
    beside: str | None = None,
) -> bytes:
    """A model with the input ``x`` of that shape; its tensors lie in the file `beside`, if any."""
    offsets = np.cumsum([0, *(array.nbytes for array in tensors.values())])
    kept = [
        tensor(*item, beside, int(at)) for item, at in zip(tensors.items(), offsets, strict=False)
    ]
    graph = (
        fields(1, list(nodes)) + field(2, "graph") + fields(5, kept)
        + field(11, value("x", shape)) + field(12, value(output, ["b", "k"]))
    )  # fmt: skip
    said = [field(1, k) + field(2, v) for k, v in metadata.items()]
    return field(1, 8) + field(7, graph) + field(8, field(2, opset)) + fields(14, said)
