"""Two digits of MNIST, to be told apart by one logit: straight from its four files."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from xai_jax.core.domains import Interval
from xai_jax.core.settings import Settings
from xai_jax.data import idx
from xai_jax.data.example import Example, digest
from xai_jax.runtime.files import place

Digit = Annotated[int, Interval(0, 9)]
_EVERY = 5  # picture of the training files that is for validation


@dataclasses.dataclass(slots=True, kw_only=True)
class Digits(Settings):
    """Pictures of two digits; the one class says which of the two it is.

    Fields:
        root: the folder of MNIST's four files, ``train-images-idx3-ubyte.gz`` and so on.
        split: every fifth picture of the training files is "validation", the others "train"; the
            test files are "test".
        absent: the digit without the class.
        present: the digit with the class.
    """

    root: str
    split: Literal["train", "validation", "test"] = "train"
    absent: Digit = 3
    present: Digit = 8

    def build(self) -> "_FoundDigits":
        """The pictures, all of them in memory.

        Raises:
            ValueError: a file is missing, damaged or no file of MNIST.
        """
        part = "t10k" if self.split == "test" else "train"
        folder = place(self.root).expanduser()
        files = tuple(folder / f"{part}-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
        images = idx.read(files[0], idx.IMAGES)
        labels = idx.read(files[1], idx.LABELS)
        rows = np.flatnonzero((labels == self.absent) | (labels == self.present))
        if self.split != "test":
            held_out = np.arange(len(rows)) % _EVERY == _EVERY - 1
            rows = rows[held_out == (self.split == "validation")]
        return _FoundDigits(
            images=images[rows],
            is_present=labels[rows] == self.present,
            rows=rows,
            class_name=f"digit {self.present}",
            name=f"digit of {part}",
            files=files,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _FoundDigits:
    """A random-access source for Grain.

    Fields:
        images: ``[n 28 28]`` uint8.
        is_present: ``[n]``, whether it has the class.
        rows: ``[n]``, the number of each in its file.
        class_name: of the one class.
        name: what each is called, with its number behind.
        files: that they come from.
    """

    images: np.ndarray
    is_present: np.ndarray
    rows: np.ndarray
    class_name: str
    name: str
    files: tuple[Path, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """One."""
        return (self.class_name,)

    @property
    def names(self) -> tuple[str, ...]:
        """By their number in the file."""
        return tuple(f"{self.name} {row}" for row in self.rows)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, grey in three channels."""
        index = range(len(self))[index]  # ends a loop as a list does
        return Example(
            row=int(self.rows[index]),
            name=f"{self.name} {self.rows[index]}",
            picture=self.images[index][..., None].repeat(3, axis=2),
            labels=self.is_present[index : index + 1].astype(np.float32),
        )

    def digests(self) -> dict[str, str]:
        """Of the two files.

        Raises:
            OSError: one cannot be read.
        """
        return {file.name: digest(file) for file in self.files}
