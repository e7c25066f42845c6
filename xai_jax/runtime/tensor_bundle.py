"""Reads TensorFlow's checkpoints (``NAME.index`` and its ``NAME.data-...``) without TensorFlow.

The index is a table of LevelDB's format, sorted by the names of the variables: blocks of entries
that share the beginnings of their keys, a block that says where the others lie, a footer. Its
values are protocol buffers, of which four fields are read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from xai_jax.runtime.files import place

_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_FOOTER = 48  # bytes
_DTYPES = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 19: np.float16}
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE = 1, 2, 3, 4, 5  # fields of a BundleEntryProto

_Fields = dict[int, list[int | bytes]]


def read(path: Path) -> dict[str, np.ndarray]:
    """The variables of numbers by their names.

    Args:
        path: ends in ``.index``; the ``.data-...`` files lie beside it.

    Raises:
        ValueError: a file is missing, damaged, or no checkpoint; one sentence that names it.
    """
    path = place(path)
    files: dict[int, bytes] = {}
    found = {}
    for name, value in _entries(path, _bytes(path)):
        if not name:
            shards = _number(path, _fields(path, value), 1)
            continue
        entry = _fields(path, value)
        dtype = _DTYPES.get(_number(path, entry, _DTYPE))
        if dtype is None:
            continue  # text, say
        shard = _number(path, entry, _SHARD)
        if shard not in files:
            files[shard] = _bytes(path.with_suffix(f".data-{shard:05d}-of-{shards:05d}"))
        start, size = _number(path, entry, _OFFSET), _number(path, entry, _SIZE)
        shape = _shape(path, entry)
        block = files[shard][start : start + size]
        if len(block) != size or size != np.dtype(dtype).itemsize * np.prod(shape, dtype=object):
            raise _damaged(path, f"{name!r} has other bytes than its shape {shape} says")
        found[name] = np.frombuffer(block, np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read: {error.strerror}; a checkpoint of TensorFlow is an .index and "
            "its .data file side by side."
        ) from None


def _damaged(path: Path, what: str) -> ValueError:
    return ValueError(f"{path} is no checkpoint of TensorFlow, or damaged: {what}.")


def _entries(path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Keys and values of all blocks."""
    if len(data) < _FOOTER or not data.endswith(_MAGIC):
        raise _damaged(path, "its last bytes are not those of a table")
    footer = data[-_FOOTER:]
    _, at = _varint(path, footer, 0)
    _, at = _varint(path, footer, at)
    for _, handle in _block(path, data, footer[at:]):
        for key, value in _block(path, data, handle):
            yield key.decode("utf-8", "replace"), value


def _block(path: Path, data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the block that lies where a handle says."""
    start, at = _varint(path, handle, 0)
    size, _ = _varint(path, handle, at)
    block = data[start : start + size]
    if len(block) != size or size < 4 or start + size >= len(data):
        raise _damaged(path, "a block lies outside of it")
    if data[start + size]:
        raise _damaged(path, "its blocks are compressed, which TensorFlow's are not")
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")  # before the restarts and their count
    key, at = b"", 0
    while at < end:
        shared, at = _varint(path, block, at)
        own, at = _varint(path, block, at)
        length, at = _varint(path, block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length
    if at != end:
        raise _damaged(path, "a block ends within an entry")


def _varint(path: Path, data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = 0
    for i, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise _damaged(path, "a number has no end")


def _fields(path: Path, message: bytes) -> _Fields:
    """The fields of a protocol buffer by their numbers."""
    found: _Fields = {}
    at = 0
    while at < len(message):
        tag, at = _varint(path, message, at)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(path, message, at)
        elif kind in (1, 2, 5):
            length, at = _varint(path, message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = message[at : at + length], at + length
        else:
            raise _damaged(path, "a message has a field of no known kind")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _number(path: Path, fields: _Fields, name: int) -> int:
    """A field's number; 0, as everywhere, where it is left out."""
    value = fields.get(name, [0])[-1]
    if not isinstance(value, int):
        raise _damaged(path, "a message has a field of another kind")
    return value


def _shape(path: Path, entry: _Fields) -> tuple[int, ...]:
    sides = []
    for shape in entry.get(_SHAPE, []):
        for side in _fields(path, shape if isinstance(shape, bytes) else b"").get(2, []):
            sides.append(_number(path, _fields(path, side if isinstance(side, bytes) else b""), 1))
    return tuple(sides)
