"""The pictures of a folder, one after the other, and what its files hold."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.data import pictures, table
from xai_jax.data.example import Example, another_size, digest, file_digests, unusable

TABLE, CLASSES = "labels.csv", "classes.json"
_THREADS = 8  # that read files, for which Python's lock is free


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FolderExamples:
    """The pictures of a folder, one row each: a random-access source for Grain.

    Fields:
        root: the folder.
        pictures: the folder that they lie below, ``images/`` in that one say.
        says: what the labels are from, for people.
        class_names: one a class.
        rows: ``[n]`` the number of each picture's first line in labels.csv, from 0: its
            `Example.row`. Where there is no table, any number of its own.
        files: ``[n]`` names below `pictures`, no two alike.
        labels: ``[n k]`` float32, 0 / 1.
        meaning: ``[256]`` uint16, of the numbers in a mask; see `Example`.
        has_masks: whether there is a folder ``masks/``.
    """

    root: Path
    pictures: Path
    says: str = TABLE
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
            mask=self.mask_of(index) if self.has_masks else None,
            meaning=self.meaning,
            drawn=self.class_names,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The files below `pictures`."""
        return self.files

    def digests(self) -> dict[str, str]:
        """Of what the tables say of these pictures, and of every picture and mask.

        All files are read once, by threads; nothing is decoded. What the tables say of the pictures
        of other splits counts for nothing.

        Raises:
            OSError: a file cannot be read.
        """
        said = json.dumps([self.class_names, self.rows, self.files]).encode()
        tables = " ".join(digest(part) for part in (said, self.labels, self.meaning))
        named = self.root / CLASSES
        paths = [self._picture(i) for i in range(len(self))]
        if self.has_masks:
            paths += [self.mask_of(i) for i in range(len(self))]
        return {
            **({CLASSES: digest(named)} if named.is_file() else {}),
            self.says: digest(tables.encode()),
            **file_digests(self.root, paths),
        }

    def _picture(self, index: int) -> Path:
        return table.lying(self.pictures, self.files[index])

    def mask_of(self, index: int) -> Path:
        """The file of the mask of picture `index`."""
        name = Path(self.files[index]).with_suffix(".png").as_posix()
        return table.lying(self.root / "masks", name)

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
        files = [self._picture(index), self.mask_of(index)][: 1 + self.has_masks]
        for file in files:
            if not file.is_file():
                line = f"line {self.rows[index] + 2} of {self.root / TABLE}"
                return f"{file} is missing, and {line} needs it; add the file."
            try:
                sizes.append(pictures.upright_size(file))
            except BadPicture as error:
                return unusable(str(file), error)
        if len(set(sizes)) > 1:
            return another_size(str(files[0]), *sizes)
        return None
