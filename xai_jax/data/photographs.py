"""Pictures of which nothing is known, in files and folders: what infills learn from."""

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np

from xai_jax.core.domains import Interval, NotEmpty
from xai_jax.core.settings import Settings
from xai_jax.data import finding
from xai_jax.data.example import Example, digest
from xai_jax.runtime.files import place


@dataclasses.dataclass(slots=True, kw_only=True)
class Photographs(Settings):
    """Files and folders of pictures; `build` finds them.

    Fields:
        paths: files, and folders that are searched with their subfolders.
        every: one picture in so many is held out, by a hash of its file's name: wherever it is
            found, and whatever else is, it is on the same side.
        held_out: those that are held out, in place of the others.
    """

    paths: Annotated[tuple[str, ...], NotEmpty()]
    every: Annotated[int, Interval(2)] = 10
    held_out: bool = False

    def build(self) -> "_FoundPhotographs":
        """The rows, in natural order, nothing decoded.

        Raises:
            ValueError: a path does not exist, or no picture is left.
        """
        found = finding.find([place(path) for path in self.paths])
        rows = [
            i for i, file in enumerate(found.values()) if self._is_held_out(file) == self.held_out
        ]
        if not rows:
            raise ValueError(
                f"{', '.join(self.paths)} hold {len(found)} pictures, of which none is left once "
                f"one in {self.every} is held out; add pictures."
            )
        return _FoundPhotographs(files=found, rows=tuple(rows))

    def _is_held_out(self, file: Path) -> bool:
        number = int.from_bytes(hashlib.sha256(file.name.encode()).digest()[:8])
        return number % self.every == 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _FoundPhotographs:
    """Pictures without labels: a random-access source for Grain; all are of one class.

    Fields:
        files: ``{name: file}`` of all pictures, held out or not.
        rows: which of them are these; a picture's number is the same in both parts.
    """

    files: Mapping[str, Path]
    rows: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """What all of them are."""
        return ("photograph",)

    @property
    def names(self) -> tuple[str, ...]:
        """Paths below the pictures' common folder."""
        all_names = tuple(self.files)
        return tuple(all_names[row] for row in self.rows)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, not decoded."""
        row = self.rows[index]
        file = tuple(self.files.values())[row]
        return Example(row=row, name=str(file), picture=file, labels=np.ones(1, np.float32))

    def digests(self) -> dict[str, str]:
        """Of every picture's file.

        Raises:
            OSError: one cannot be read.
        """
        return {name: digest(self.files[name]) for name in self.names}
