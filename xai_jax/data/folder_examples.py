"""The pictures of a folder, one after the other, and what its files hold."""

import dataclasses
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.data import pictures
from xai_jax.data.example import Example, another_size, digest, unusable

TABLE, CLASSES = "labels.csv", "classes.json"
_THREADS = 8  # that read files, for which Python's lock is free


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderExamples:
    """The pictures of a folder, one row each: a random-access source for Grain.

    Fields:
        root: the folder.
        class_names: one a class.
        rows: ``[n]`` the number of each picture's line in labels.csv, from 0: its `Example.row`.
        files: ``[n]`` names below ``images/``.
        labels: ``[n k]`` float32, 0 / 1.
        meaning: ``[256]`` uint16, of the numbers in a mask; see `Example`.
        has_masks: whether there is a folder ``masks/``.
    """

    root: Path
    class_names: tuple[str, ...]
    rows: tuple[int, ...]
    files: tuple[str, ...]
    labels: np.ndarray
    meaning: np.ndarray
    has_masks: bool

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.files)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, not decoded."""
        return Example(
            row=self.rows[index],
            name=str(self._picture(index)),
            picture=self._picture(index),
            labels=self.labels[index],
            mask=self._mask(index) if self.has_masks else None,
            meaning=self.meaning,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The files below ``images/``; one that the table has twice also with its line."""
        times = Counter(self.files)
        return tuple(
            file if times[file] == 1 else f"{file} (line {row + 2})"
            for file, row in zip(self.files, self.rows, strict=True)
        )

    def digests(self) -> dict[str, str]:
        """Of what the tables say of these pictures, and of every picture and mask.

        All files are read once, by threads; nothing is decoded. What the tables say of the pictures
        of other splits counts for nothing.

        Raises:
            OSError: a file cannot be read.
        """
        said = json.dumps([self.class_names, self.rows, self.files]).encode()
        table = " ".join(digest(part) for part in (said, self.labels, self.meaning))
        named = self.root / CLASSES
        files = [f"images/{file}" for file in self.files]
        if self.has_masks:
            files += [f"masks/{Path(file).with_suffix('.png')}" for file in self.files]
        with ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda file: digest(self.root / file), files)
            of_files = dict(zip(files, found, strict=True))
        return {
            **({CLASSES: digest(named)} if named.is_file() else {}),
            TABLE: digest(table.encode()),
            **of_files,
        }

    def _picture(self, index: int) -> Path:
        return self.root / "images" / self.files[index]

    def _mask(self, index: int) -> Path:
        return (self.root / "masks" / self.files[index]).with_suffix(".png")

    def check(self) -> None:
        """Opens every picture and mask, without decoding any.

        Raises:
            ValueError: one is missing or no picture, or a mask has another size than its picture.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            for wrong in pool.map(self._wrong, range(len(self))):
                if wrong:
                    raise ValueError(wrong)

    def _wrong(self, index: int) -> str | None:
        sizes = []
        files = [self._picture(index), self._mask(index)][: 1 + self.has_masks]
        for file in files:
            if not file.is_file():
                table, line = self.root / TABLE, self.rows[index] + 2
                return f"{file} is missing, and line {line} of {table} needs it; add the file."
            try:
                sizes.append(pictures.upright_size(file))
            except BadPicture as error:
                return unusable(str(file), error)
        if len(set(sizes)) > 1:
            return another_size(str(files[0]), *sizes)
        return None
