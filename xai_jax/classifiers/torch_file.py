"""Reads PyTorch's weights files (`.pth` of both kinds, `.safetensors`) as data, without PyTorch."""

import io
import json
import lzma
import math
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers import plain_pickle
from xai_jax.classifiers.plain_pickle import INERT, Refused, Storage, Tensor
from xai_jax.runtime.files import place

_ZIP = b"PK\x03\x04"
_LEGACY = (
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"  # the pickled magic number
)
_SAFETENSORS_HEADER = 100_000_000  # bytes; the format's own limit
_SAFETENSORS_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": jnp.bfloat16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_DEPTH = 3  # of checkpoints within checkpoints
_AXES = 32  # of an array, at most
_NUMBERS = 2**48  # of an array, at most
# Where a training checkpoint keeps its weights, and what wrappers of a network call it.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "model_state", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")


def read(path: Path) -> dict[str, np.ndarray]:
    """The state dict of a weights file: names and arrays in the file's own layout and number type.

    The arrays are read-only views of the file's bytes, strided as they were saved. Of a checkpoint,
    only what stands under "state_dict", "model" or the like is returned, and prefixes that all
    names share because a network was wrapped ("module.", "_orig_mod.", "model.") are taken off.

    Raises:
        ValueError: the file cannot be read, is damaged, is no weights file, or would run code; one
            sentence that names the file.
    """
    try:
        return _unwrapped(_read(place(path)))
    except OSError as error:
        raise ValueError(f"Cannot read the weights {path}: {error.strerror}.") from error
    except Refused as refusal:
        raise ValueError(f"{path} {refusal}.") from refusal


def _read(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        start = file.read(16)
        if not start:
            raise Refused("is empty; download it again")
        reader = _reader(start)
        return reader(start + file.read())


def _unwrapped(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the prefixes of `DataParallel`, `torch.compile` and training frameworks."""
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) and name != prefix for name in arrays):
            return _unwrapped({name.removeprefix(prefix): a for name, a in arrays.items()})
    return arrays


def _reader(start: bytes) -> Callable[[bytes], dict[str, np.ndarray]]:
    """By the first bytes, never by the name of the file."""
    if start.startswith(_ZIP):
        return _read_zip
    if start.startswith(_LEGACY):
        return _read_legacy
    if start[8:9] == b"{":
        return _read_safetensors
    if _LEGACY.startswith(start):
        raise Refused("is truncated; download it again")
    raise Refused("is no weights file: neither a PyTorch .pth nor a .safetensors")


def _read_zip(data: bytes) -> dict[str, np.ndarray]:
    """PyTorch since 1.6: a zip of ``NAME/data.pkl`` and, a storage, one ``NAME/data/KEY``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_archive(archive, len(data))
    except (
        zipfile.BadZipFile,
        ValueError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,  # of bz2
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise Refused("is truncated or damaged: its zip archive cannot be read") from error


def _read_archive(archive: zipfile.ZipFile, limit: int) -> dict[str, np.ndarray]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if sum(entry.file_size for entry in archive.infolist()) > limit:
        raise Refused(
            "is no weights file: its zip archive claims to hold more than the file's own size"
        )
    pickles = [name for name in entries if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Refused("is a zip archive without PyTorch weights (it needs one data.pkl)")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}byteorder" in entries and archive.read(f"{root}byteorder") != b"little":
        raise Refused("was saved on a big-endian machine; save it again on a common one")
    saved, _ = plain_pickle.load(io.BytesIO(archive.read(pickles[0])))
    blocks: dict[str, bytes] = {}

    def block(storage: Storage) -> bytes:
        name = f"{root}data/{storage.key}"
        if name not in entries:
            raise Refused(f"is damaged: the storage {ascii(storage.key)} is missing")
        if name not in blocks:
            blocks[name] = archive.read(name)  # checks the CRC too
        return blocks[name]

    return _arrays(saved, block)


def _read_legacy(data: bytes) -> dict[str, np.ndarray]:
    """PyTorch before 1.6: five pickles in a row, then each storage's count (int64) and numbers."""
    file = io.BytesIO(data)
    (_, _, (system, _), (saved, storages), (keys, _)) = (plain_pickle.load(file) for _ in range(5))
    if type(system) is not dict or type(keys) is not list:
        raise Refused("is damaged: its header makes no sense")
    if system.get("little_endian") is not True:
        raise Refused("was saved on a big-endian machine; save it again on a common one")
    blocks = _legacy_blocks(data, file.tell(), keys, storages)

    def block(storage: Storage) -> memoryview:
        if storage.key not in blocks:
            raise Refused(f"is damaged: the storage {ascii(storage.key)} is missing")
        return blocks[storage.key]

    return _arrays(saved, block)


def _legacy_blocks(
    data: bytes, position: int, keys: list[Any], storages: dict[str, Storage]
) -> dict[str, memoryview]:
    blocks = {}
    for key in keys:
        if type(key) is not str or key not in storages:
            raise Refused("is damaged: it holds numbers that nothing refers to")
        size = storages[key].count * storages[key].dtype.itemsize
        count = int.from_bytes(data[position : position + 8], "little")
        if position + 8 + size > len(data):
            raise Refused("is truncated; download it again")
        if count != storages[key].count:
            raise Refused(
                f"is damaged: the storage {ascii(key)} has another size than its tensors say"
            )
        blocks[key] = memoryview(data)[position + 8 : position + 8 + size]
        position += 8 + size
    return blocks


def _arrays(saved: Any, block: Callable[[Storage], bytes | memoryview]) -> dict[str, np.ndarray]:
    """The tensors of a state dict, each as a view of its storage's bytes."""
    return {
        name: _array(name, tensor, block(tensor.storage))
        for name, tensor in _state_dict(saved).items()
    }


def _state_dict(saved: Any) -> Mapping[str, Tensor]:
    """The names and tensors, however many checkpoints they are wrapped in."""
    for _ in range(_DEPTH):
        if type(saved) is dict:
            inner = [saved[key] for key in _WRAPPERS if type(saved.get(key)) is dict]
            saved = inner[0] if inner else saved
    if type(saved) is dict:
        saved = {name: value for name, value in saved.items() if value is not INERT}
    if type(saved) is not dict or not saved:
        raise Refused("holds no state dict; save model.state_dict() and nothing else")
    for name, value in saved.items():
        if type(name) is not str or type(value) is not Tensor:
            raise Refused(f"holds no plain state dict: {ascii(name)} is no tensor")
    return saved


def _array(name: str, tensor: Tensor, block: bytes | memoryview) -> np.ndarray:
    """A view of the block; permuted strides are legal, reaching outside the block is not."""
    count, size = tensor.storage.count, tensor.storage.dtype.itemsize
    if len(block) != count * size:
        raise Refused(
            f"is damaged: the storage of {ascii(name)} has {len(block)} bytes, not {count * size}"
        )
    if not _can_be(tensor.shape) or max(tensor.strides, default=0) > _NUMBERS:
        raise Refused(f"is damaged: {ascii(name)} has a shape that no array can have")
    numbers = math.prod(tensor.shape)
    last = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
    if numbers > count or (numbers and tensor.offset + last >= count):
        raise Refused(f"is damaged: {ascii(name)} reaches outside its storage")
    if not numbers:
        return np.zeros(tensor.shape, tensor.storage.dtype)
    strides = tuple(stride * size for stride in tensor.strides)
    return np.ndarray(tensor.shape, tensor.storage.dtype, block, tensor.offset * size, strides)


def _can_be(shape: tuple[int, ...]) -> bool:
    """Asked first of all: to multiply 100,000 sides, or two of a million digits, takes long."""
    if len(shape) > _AXES or any(side > _NUMBERS for side in shape):
        return False
    return math.prod(side or 1 for side in shape) <= _NUMBERS


def _read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    """The header's length (8 bytes), the header as JSON, then the numbers, little-endian."""
    length = int.from_bytes(data[:8], "little")
    if length > _SAFETENSORS_HEADER or 8 + length > len(data):
        raise Refused("is truncated, or is no weights file: its header is longer than the file")
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise Refused("is damaged: its header is not JSON") from error
    header.pop("__metadata__", None)
    if not header:
        raise Refused("holds no weights")
    numbers = memoryview(data)[8 + length :]
    return {name: _safetensor(name, entry, numbers) for name, entry in header.items()}


def _safetensor(name: str, entry: Any, numbers: memoryview) -> np.ndarray:
    try:
        dtype = np.dtype(_SAFETENSORS_DTYPES[entry["dtype"]])
        shape, (start, stop) = tuple(entry["shape"]), entry["data_offsets"]
        counts = all(type(n) is int and n >= 0 for n in (*shape, start, stop))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"is damaged: its header says nothing sensible of {ascii(name)}") from error
    if not counts or not _can_be(shape):
        raise Refused(f"is damaged: {ascii(name)} has a shape that no array can have")
    if stop - start != math.prod(shape) * dtype.itemsize:
        raise Refused(f"is damaged: shape and size of {ascii(name)} do not agree")
    if stop > len(numbers):
        raise Refused(f"is truncated: {ascii(name)} lies behind its end; download it again")
    if start == stop:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, numbers[start:stop])
