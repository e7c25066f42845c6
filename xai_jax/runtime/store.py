"""The arrays of a run: a zarr group with one chunk a batch, written through tensorstore.

The same batch gives the same bytes, whichever process writes it and however often.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

from xai_jax.core.areas import AREAS
from xai_jax.runtime.files import write_whole

NAME = "explanations.zarr"
METADATA = "zarr.json"
_IMAGE_AXES = ("picture", "row", "column", "channel")
_AXES = {  # names of the axes, by the first part of an array's name
    "images": _IMAGE_AXES,
    "keep": _IMAGE_AXES,
    "saliency": _IMAGE_AXES,
    "counterfactual": _IMAGE_AXES,
    "class_keep": ("picture", "row", "column", "class"),
    "class_log_odds": ("picture", "class"),
    "curve_kept": ("picture", "area"),
    "curve_removed": ("picture", "area"),
    "trace": ("picture", "step"),
}
_TYPES = {  # and the value of rows without a result
    "images": ("uint8", 0),
    "target": ("int32", -1),
    "class_keep": ("float16", np.nan),
}


def fill(name: str) -> int | float:
    """What an array holds where there is no result: 0 in images, -1 in target, else NaN."""
    return _TYPES.get(name, ("float32", np.nan))[1]


def dtype(name: str) -> str:
    """The type of an array's numbers."""
    return _TYPES.get(name, ("float32", np.nan))[0]


class Writer:
    """Writes the chunks of one run; arrays are made when the first batch tells their shapes.

    The names of the classes, where they are known, become an attribute of the group.
    """

    def __init__(
        self, folder: Path, num_rows: int, batch_size: int, class_names: Sequence[str] = ()
    ):
        self._group = folder / NAME
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._attributes: dict[str, Any] = {"areas": list(AREAS)}
        if class_names:
            self._attributes["class_names"] = list(class_names)
        self._arrays: dict[str, ts.TensorStore] = {}

    def write(self, start: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes the rows from `start` on of every array, and returns when they are on the disk.

        Args:
            start: first row of a batch.
            arrays: ``{name: [rows ...]}``; a name may have one folder, ``trace/objective`` say.

        Raises:
            OSError: the disk is full or read-only.
        """
        try:
            for name, values in arrays.items():
                array = self._arrays.get(name) or self._open(name, values.shape[1:])
                self._arrays[name] = array
                array[start : start + len(values)].write(values.astype(dtype(name))).result()
        except ValueError as error:  # tensorstore says so of a disk that fails
            raise _disk_error(error, self._group) from None

    def _open(self, name: str, shape: tuple[int, ...]) -> ts.TensorStore:
        self._write_group(self._group)
        if "/" in name:
            self._write_group((self._group / name).parent)
        axes = _AXES.get(name.split("/")[0], ("picture",))
        unnamed = [None] * (1 + len(shape) - len(axes))
        metadata = {
            "shape": [self._num_rows, *shape],
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [self._batch_size, *shape]},
            },
            "data_type": dtype(name),
            "fill_value": "NaN" if np.isnan(fill(name)) else fill(name),
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": 3}},
            ],
            "dimension_names": [*axes, *unnamed],
        }
        spec = {"driver": "zarr3", "kvstore": _files(self._group / name), "metadata": metadata}
        return ts.open(spec, create=True, open=True).result()

    def _write_group(self, path: Path) -> None:
        if (path / METADATA).is_file():
            return
        attributes = self._attributes if path == self._group else {}
        content = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        write_whole(path / METADATA, json.dumps(content, indent=1).encode())


class StoredArray:
    """An array on the disk; what is asked for is read, and nothing else.

    ``array[3]``, ``array[8:16]`` and ``np.asarray(array)`` are NumPy arrays.
    """

    def __init__(self, path: Path):
        self._array = ts.open({"driver": "zarr3", "kvstore": _files(path)}, read=True).result()
        self.shape: tuple[int, ...] = self._array.shape
        self.dtype: np.dtype = self._array.dtype.numpy_dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        # tensorstore counts from an origin, where negative numbers are places of their own.
        if isinstance(index, int | np.integer):
            index = range(len(self))[index]
        elif isinstance(index, slice):
            index = slice(*index.indices(len(self)))
        return self._array[index].read().result()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self._array.read().result()
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        return f"StoredArray(shape={self.shape}, dtype={self.dtype})"


def read(folder: Path) -> dict[str, StoredArray]:
    """The arrays of a run's folder by name; none before the first batch is done."""
    return {name: StoredArray(folder / NAME / name) for name in sorted(_names(folder / NAME))}


def class_names(folder: Path) -> tuple[str, ...]:
    """The names of a run's classes by index; none where they are not known, or nothing is done."""
    metadata = folder / NAME / METADATA
    if not metadata.is_file():
        return ()
    attributes = json.loads(metadata.read_text())["attributes"]
    return tuple(attributes["class_names"] if "class_names" in attributes else ())


def _names(group: Path) -> Iterator[str]:
    for metadata in group.rglob(METADATA):
        if json.loads(metadata.read_text())["node_type"] == "array":
            yield metadata.parent.relative_to(group).as_posix()


def _files(path: Path) -> dict[str, str]:
    return {"driver": "file", "path": str(path.absolute())}


def _disk_error(error: ValueError, path: Path) -> Exception:
    """What the operating system said, out of tensorstore's message; the error itself without it."""
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return error if code is None else OSError(int(code[1]), os.strerror(int(code[1])), str(path))
