"""Writes weights files byte by byte, so that reading them is tested without PyTorch."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}


class Raw(bytes):
    """Instructions that go into a pickle as they are."""


def code(value) -> Raw:
    """Protocol-2 instructions that push a plain value."""
    if isinstance(value, Raw):
        return value
    if value is None or isinstance(value, bool):
        return Raw({None: b"N", True: b"\x88", False: b"\x89"}[value])
    if isinstance(value, int) and -(2**31) <= value < 2**31:
        return Raw(b"J" + struct.pack("<i", value))
    if isinstance(value, int):
        return Raw(b"\x8a\x0a" + value.to_bytes(10, "little", signed=True))
    if isinstance(value, str):
        return Raw(b"X" + struct.pack("<I", len(value.encode())) + value.encode())
    if isinstance(value, tuple):
        return Raw(b"(" + b"".join(map(code, value)) + b"t")
    if isinstance(value, list):
        return Raw(b"](" + b"".join(map(code, value)) + b"e")
    assert isinstance(value, dict)
    return Raw(b"}(" + b"".join(code(k) + code(v) for k, v in value.items()) + b"u")


def named(module: str, name: str) -> Raw:
    return Raw(f"c{module}\n{name}\n".encode())


def call(module: str, name: str, *arguments) -> Raw:
    return Raw(named(module, name) + code(arguments) + b"R")


def ordered(items: dict) -> Raw:
    """An OrderedDict with the `_metadata` that torch hangs on every state dict."""
    entries = b"".join(code(k) + code(v) for k, v in items.items())
    metadata = {"_metadata": {"": {"version": 1}}}
    return Raw(call("collections", "OrderedDict") + b"(" + entries + b"u" + code(metadata) + b"b")


def pickled(value) -> bytes:
    return b"\x80\x02" + code(value) + b"."


def tensor(array, key="0", *, legacy, shape=None, strides=None, offset=0, count=None) -> Raw:
    """One tensor over a whole storage; the keywords tell lies or permute."""
    array = np.asarray(array)
    contiguous = tuple(s // array.itemsize for s in np.empty(array.shape, array.dtype).strides)
    storage = ("storage", named("torch", STORAGES[array.dtype.name]), key, "cpu")
    storage += (array.size if count is None else count, *((None,) if legacy else ()))
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        Raw(code(storage) + b"Q"),
        offset,
        array.shape if shape is None else shape,
        contiguous if strides is None else strides,
        False,
        call("collections", "OrderedDict"),
    )


def legacy_file(saved, blocks: dict[str, np.ndarray], *, little_endian=True) -> bytes:
    system = {"protocol_version": 1001, "little_endian": little_endian}
    head = [MAGIC, 1001, system, saved, list(blocks)]
    body = [struct.pack("<q", block.size) + block.tobytes() for block in blocks.values()]
    return b"".join([*map(pickled, head), *body])


def zip_file(saved, blocks: dict[str, np.ndarray], *, compression=zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("weights/data.pkl", saved if type(saved) is bytes else pickled(saved))
        archive.writestr("weights/byteorder", b"little")
        archive.writestr("weights/version", b"3\n")
        for key, block in blocks.items():
            archive.writestr(f"weights/data/{key}", block.tobytes())
    return file.getvalue()


def safetensors_file(header: dict, numbers: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


class CallsSystem:
    """What an attacker sends: unpickling it would create the file `evidence`."""

    def __init__(self, evidence):
        self.evidence = evidence

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.evidence}",)


def attack(evidence, protocol: int) -> bytes:
    return pickle.dumps({"weight": CallsSystem(evidence)}, protocol)
