"""The arrays of a run: a zarr group with one chunk a batch, written through tensorstore.

The same batch gives the same bytes, whichever process writes it and however often.
"""

import contextlib
import dataclasses
import functools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

from xai_jax.core import json_file
from xai_jax.core.areas import AREAS
from xai_jax.core.outputs import Output
from xai_jax.runtime import files, objects
from xai_jax.runtime.files import of_disk, write_whole

NAME = "explanations.zarr"
METADATA = "zarr.json"
PICTURE = "picture"  # the first axis of every array
_CHUNKS = "c"  # the folder of an array's chunks, one folder or file a batch
_HALF = ".__lock"  # tensorstore's ending of what it has not written whole
_REMEDY = "start the run again, and what is damaged is made anew"
_LEVELS = 256  # of a map that is kept in half precision


def fill(output: Output) -> int | float:
    """What an array holds where there is no result: 0 in pixels of 8 bits, else -1 or NaN."""
    return {"uint8": 0, "int32": -1}.get(output.stored, np.nan)


def stored(output: Output, values: np.ndarray) -> np.ndarray:
    """The numbers as they are kept."""
    if output.stored == "float16":
        values = np.round(values * _LEVELS) / _LEVELS
    elif output.stored == "uint8":
        values = np.round(values * 255)
    return values.astype(output.stored)


class Writer:
    """Writes the rows of one run; arrays are made when the first batch tells their shapes.

    The names of the classes, where they are known, become an attribute of the group, and each
    declaration attributes of its array.
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

    def write(
        self,
        rows: Sequence[int],
        has_result: np.ndarray,
        arrays: Mapping[str, np.ndarray],
        known: Mapping[str, Output],
    ) -> None:
        """Writes some rows of one batch, and returns when they are on the disk.

        Rows without a result get the fill value in every array, whatever they held.

        Args:
            rows: of one batch.
            has_result: ``[r]`` bool.
            arrays: ``{name: [n ...]}`` of the n rows that have a result.
            known: the declaration of each name.

        Raises:
            OSError: the disk is full or read-only.
        """
        try:
            for name, values in arrays.items():
                array = self._arrays.get(name) or self._open(known[name], values.shape[1:])
                self._arrays[name] = array
            writing = []  # all arrays at once: a store answers each after a while
            for name, array in self._arrays.items():
                whole = np.full((len(rows), *array.shape[1:]), fill(known[name]), array.dtype.name)
                if name in arrays:
                    whole[has_result] = stored(known[name], arrays[name])
                writing.append(self._rows(array, rows).write(whole))
            for written in writing:
                written.result()
        except ValueError as error:  # tensorstore says so of a disk that fails
            raise of_disk(error, self._group) from None

    def copy(
        self, rows: range, arrays: Mapping[str, np.ndarray], known: Mapping[str, Output]
    ) -> None:
        """Writes rows as another run has stored them; raises as `write`."""
        try:
            for name, values in arrays.items():
                array = self._arrays.get(name) or self._open(known[name], values.shape[1:])
                self._arrays[name] = array
                array[rows.start : rows.stop].write(values).result()
        except ValueError as error:
            raise of_disk(error, self._group) from None

    def _rows(self, array: ts.TensorStore, rows: Sequence[int]) -> ts.TensorStore:
        follow = list(rows) == list(range(rows[0], rows[0] + len(rows)))
        return array[rows[0] : rows[0] + len(rows)] if follow else array[np.array(rows)]

    def written(self, batch: int) -> list[Path]:
        """The files that a batch has its part in.

        Of the chunks some may not be there: those of nothing but fill values.
        """
        places = [_chunk(self._group / name, batch) for name in self._arrays]
        chunks = [
            place.joinpath(*["0"] * (array.rank - 1))
            for place, array in zip(places, self._arrays.values(), strict=True)
        ]
        about = [self._group / name / METADATA for name in self._arrays]
        about += [self._group / METADATA] if self._arrays else []
        return [*about, *chunks]

    def open_written(self, known: Mapping[str, Output]) -> None:
        """Opens what an earlier start has made: rows that lose their result are emptied."""
        for name, array in read(self._group.parent).items():
            self._arrays[name] = self._open(known[name], array.shape[1:])

    def _open(self, output: Output, shape: tuple[int, ...]) -> ts.TensorStore:
        self.write_group()
        empty = fill(output)
        unnamed = [None] * (len(shape) - len(output.axes))
        chunk = [self._batch_size, *(max(side, 1) for side in shape)]  # of no updates, no trace
        metadata = {
            "shape": [self._num_rows, *shape],
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": chunk},
            },
            "data_type": output.stored,
            "fill_value": "NaN" if np.isnan(empty) else empty,
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": 3}},
            ],
            "dimension_names": [PICTURE, *output.axes, *unnamed],
            "attributes": dataclasses.asdict(output) | {"axes": list(output.axes)},
        }
        path = self._group / output.name
        spec = {"driver": "zarr3", "kvstore": objects.kvstore(path)}
        if path / METADATA not in self._earlier:  # what an earlier start has made keeps its names
            spec["metadata"] = metadata
        return ts.open(spec, create=True, open=True, context=objects.context()).result()

    @functools.cached_property
    def _earlier(self) -> set[Path]:
        """The metadata that an earlier start has written: one listing, however many arrays."""
        return set(self._group.rglob(METADATA))

    def write_group(self) -> None:
        """Writes what the arrays lie in, if it is not there."""
        path = self._group / METADATA
        if not self._arrays and path not in self._earlier:
            content = {"zarr_format": 3, "node_type": "group", "attributes": self._attributes}
            write_whole(path, json.dumps(content, indent=1).encode())
            self._earlier.add(path)


class StoredArray:
    """An array on the disk; what is asked for is read, and nothing else.

    ``array[3]``, ``array[8:16]`` and ``np.asarray(array)`` are NumPy arrays; `output` declares what
    they say.
    """

    def __init__(self, path: Path):
        self._path = path
        attributes = _about(path)["attributes"]
        self.output: Output = json_file.fitting(attributes, Output, str(path / METADATA), _REMEDY)
        with _sentence(path):
            spec = {"driver": "zarr3", "kvstore": objects.kvstore(path)}
            self._array = ts.open(spec, read=True, context=objects.context()).result()
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
        with _sentence(self._path):
            return self._array[index].read().result()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        with _sentence(self._path):
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
    attributes = _about(metadata.parent)["attributes"]
    return tuple(attributes["class_names"] if "class_names" in attributes else ())


def _names(group: Path) -> Iterator[str]:
    for metadata in group.rglob(METADATA):
        if _about(metadata.parent)["node_type"] == "array":
            yield metadata.parent.relative_to(group).as_posix()


def remove_chunks(folder: Path, kept: Collection[int]) -> None:
    """Removes what all batches but those `kept` have written; their rows then hold no result.

    Files that a killed process has half written go too, whatever they are of.
    """
    for path in list((folder / NAME).rglob(f"*{_HALF}")):
        path.unlink(missing_ok=True)
    for _, batch, path in _chunks(folder / NAME):
        if batch not in kept:
            path.unlink(missing_ok=True)


def remove_arrays(folder: Path, keep: Collection[str]) -> None:
    """Removes the arrays whose metadata is not among the files `keep`, named within `folder`."""
    group = folder / NAME
    if f"{NAME}/{METADATA}" not in keep:
        files.remove(group)
    for array in {array for array, _, _ in _chunks(group)}:
        if (array / METADATA).relative_to(folder).as_posix() not in keep:
            files.remove(array)


def _chunks(group: Path) -> Iterator[tuple[Path, int, Path]]:
    """Array, batch and file of all chunks."""
    for path in list(group.rglob("*")):
        within = path.relative_to(group).parts
        if _CHUNKS in within[:-1] and path.is_file():
            place = len(within) - 1 - within[::-1].index(_CHUNKS)
            yield group.joinpath(*within[:place]), int(within[place + 1]), path


def _chunk(array: Path, batch: int) -> Path:
    return array / _CHUNKS / str(batch)


def _about(path: Path) -> dict[str, Any]:
    """The metadata of an array or a group."""
    about: dict[str, Any] = {
        "attributes": {},
        "node_type": "group",
        **json_file.read(path / METADATA, Mapping[str, Any], _REMEDY),
    }
    return about


@contextlib.contextmanager
def _sentence(path: Path) -> Iterator[None]:
    """What tensorstore says of a damaged array, or of a store that fails, in our words."""
    try:
        yield
    except ValueError as error:
        if objects.is_outage(error):
            raise objects.failed(error, path) from None
        raise ValueError(f"{path} is damaged; {_REMEDY}.") from None
