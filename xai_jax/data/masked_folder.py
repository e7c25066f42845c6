"""Pictures of a folder with masks as label maps, whose numbers are no classes of its table."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xai_jax.core.settings import Settings
from xai_jax.data import folder_classes, folder_table, pictures, table
from xai_jax.data.example import VOID, Example, digest, file_digests
from xai_jax.data.folder import Flagged
from xai_jax.data.folder_examples import CLASSES, TABLE


@dataclasses.dataclass(slots=True, kw_only=True)
class MaskedFolder(Settings):
    """The settings; `build` reads the table.

    Fields:
        root: the folder. ``labels.csv`` has a column ``file`` (below ``images/``) and perhaps
            ``split``; masks are ``masks/<name of the file>.png``, one number a pixel, 255 is void.
        split: whose rows; empty: all rows.
        regions: our regions, each a name and what it consists of in the classes that
            ``classes.json`` numbers; they are numbered from 0 on, and all other classes are void;
            empty: the numbers as they are.
        labels: columns of the table that say what a picture shows; ``None``: nothing is asked.
    """

    root: str
    split: str = ""
    regions: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    labels: Flagged | None = None

    def build(self) -> "_MaskedExamples":
        """The rows; no picture is decoded.

        Raises:
            ValueError: the table, a mask or the list of classes is missing, there is no such
                split, class or column, or a label is no number.
        """
        root = Path(self.root)
        lines = folder_table.lines_of(root, self.split)
        firsts = [of_one[0] for of_one in folder_table.by_picture(lines)]
        columns = () if self.labels is None else tuple(self.labels.columns)
        rows = _MaskedExamples(
            root=root,
            class_names=columns,
            labels=np.stack([_labels(root, self.labels, *first) for first in firsts]),
            rows=tuple(row for row, _ in firsts),
            names=tuple(line["file"] for _, line in firsts),
            meaning=_meaning(root, self.regions) if self.regions else None,
        )
        for name in rows.names:
            if not rows.mask_of(name).is_file():
                raise ValueError(f"{rows.mask_of(name)} is missing; every picture needs a mask.")
        return rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class _MaskedExamples:
    """A random-access source.

    Fields:
        root: the folder.
        class_names: of the labels; none where there are none.
        labels: ``[n k]`` 0 / 1.
        rows: number of each picture in the table.
        names: file of each, below ``images/``.
        meaning: ``[256]`` uint8, the region that a number in a mask stands for; ``None``: itself.
    """

    root: Path
    class_names: tuple[str, ...]
    labels: np.ndarray
    rows: tuple[int, ...]
    names: tuple[str, ...]
    meaning: np.ndarray | None = None

    def mask_of(self, name: str) -> Path:
        """The file of a picture's mask."""
        return table.lying(self.root / "masks", Path(name).with_suffix(".png").as_posix())

    def digests(self) -> dict[str, str]:
        """Of what the tables say of these pictures, and of every picture and mask.

        Raises:
            OSError: a file cannot be read.
        """
        said: list[Any] = [self.rows, self.names]
        said += [self.class_names, self.labels.tolist()] if self.class_names else []
        paths = [table.lying(self.root / "images", name) for name in self.names]
        paths += [self.mask_of(name) for name in self.names]
        return {
            **({} if self.meaning is None else {CLASSES: digest(self.meaning)}),
            TABLE: digest(json.dumps(said).encode()),
            **file_digests(self.root, paths),
        }

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, with its mask.

        Raises:
            BadPicture: the mask cannot be read, where there are `meaning`s.
        """
        name = self.names[index]
        mask: Path | np.ndarray = self.mask_of(name)
        if self.meaning is not None:
            mask = self.meaning[pictures.class_ids(self.mask_of(name))]
        return Example(
            row=self.rows[index],
            name=name,
            picture=table.lying(self.root / "images", name),
            labels=self.labels[index],
            mask=mask,
            regions=True,
        )


def _labels(root: Path, labels: Flagged | None, row: int, line: dict[str, str]) -> np.ndarray:
    """``[k]``, of a picture's first line."""
    if labels is None:
        return np.zeros(0, np.float32)
    for column in labels.columns:
        folder_table.check_column(root / TABLE, line, column)
    shown = labels.present(f"Line {row + 2} of {root / TABLE}", line)
    return np.array([f"{table.NAME}{name}" in shown for name in labels.columns], np.float32)


def _meaning(root: Path, regions: Mapping[str, Sequence[str]]) -> np.ndarray:
    if not (root / CLASSES).is_file():
        raise ValueError(
            f"{root / CLASSES} is missing; list the names of the numbers in its masks there, or "
            "leave regions empty."
        )
    numbers = folder_classes.named(root / CLASSES)
    found = np.full(256, VOID, np.uint8)
    for name, region in folder_classes.groups(root, numbers, regions).items():
        if numbers[name] < VOID:  # a mask holds no larger one
            found[numbers[name]] = region
    return found
