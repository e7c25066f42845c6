"""Anybody's own pictures: a folder with ``images/``, ``labels.csv`` and perhaps ``masks/``."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xai_jax.core import json_file
from xai_jax.core.domains import Real, Within
from xai_jax.core.settings import Settings
from xai_jax.data import table as tables
from xai_jax.data.example import VOID
from xai_jax.data.folder_examples import CLASSES, TABLE, FolderExamples
from xai_jax.runtime.files import place


@dataclasses.dataclass(slots=True, kw_only=True)
class Listed(Settings):
    """One column that lists the classes of a picture, by name or number, with blanks between."""

    column: str = "classes_present"

    def present(self, where: str, line: Mapping[str, str]) -> list[str]:
        """The words of one line of the table; `where` is for errors."""
        del where
        return line[self.column].split()


@dataclasses.dataclass(slots=True, kw_only=True)
class Flagged(Settings):
    """One column a class, holding a number; the class is there if it is more than `above`."""

    columns: tuple[str, ...]
    above: Real = 0.0

    def present(self, where: str, line: Mapping[str, str]) -> list[str]:
        """The columns of one line of the table that say yes; `where` is for errors.

        Raises:
            ValueError: a column holds no number.
        """
        try:
            return [column for column in self.columns if float(line[column]) > self.above]
        except (TypeError, ValueError):
            raise ValueError(
                f"{where} has no number in one of {', '.join(self.columns)}; "
                "write 1 where the picture shows the class and 0 where it does not."
            ) from None


@dataclasses.dataclass(slots=True, kw_only=True)
class Folder(Settings):
    """The settings of a folder; `build` reads and checks its table.

    Fields:
        root: the folder. ``labels.csv`` has a column ``file`` (below ``images/``), perhaps
            ``split``, and what `labels` names. Masks are ``masks/<name of the file>.png``, one
            number a pixel; 255 is void. ``classes.json`` lists the names of the numbers from 0 on,
            or maps names to numbers; without it, listed numbers mean themselves, and names or flags
            count from 1.
        split: whose rows; empty: all rows.
        labels: where the truth stands.
        classes: our classes, each a name and what it consists of in the folder's own classes;
            empty: the folder's own, as they are, the number 0 (background) left out.
        drop_empty: leave out pictures that show none of the classes.
    """

    root: str
    split: str = ""
    labels: Listed | Flagged = dataclasses.field(default_factory=Listed)
    classes: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    drop_empty: bool = False

    def build(self) -> FolderExamples:
        """The rows, all of them checked, but no picture decoded.

        Raises:
            ValueError: in one sentence, whatever is wrong: a missing file, an unknown class, no
                positive example of a class, an unknown split, a mask of another size, a file that
                is no picture.
        """
        root = place(self.root)
        lines = lines_of(root, table_of(root), self.split)
        numbers = _own_classes(root, self.labels, [line for _, line in lines])
        classes = self.classes or {name: (name,) for name, n in numbers.items() if n != 0}
        groups = _groups(root, numbers, classes)
        labels = _truth(root, lines, self.labels, numbers, groups, len(classes))
        kept = np.flatnonzero(labels.any(1)) if self.drop_empty else np.arange(len(lines))
        _every_class_is_there(root, self.split, labels, tuple(classes))
        rows = FolderExamples(
            root=root,
            class_names=tuple(classes),
            rows=tuple(lines[i][0] for i in kept),
            files=tuple(lines[i][1]["file"] for i in kept),
            labels=labels[kept],
            meaning=_meaning(numbers, groups),
            has_masks=(root / "masks").is_dir(),
        )
        rows.check()
        return rows


def table_of(root: Path) -> list[dict[str, str]]:
    """The lines of ``labels.csv``, whose files are paths within ``images/``.

    Raises:
        ValueError: it is missing or empty, or names another place.
    """
    path = root / TABLE
    if not path.is_file():
        raise ValueError(
            f"{path} is missing; make a table with the column file and one or more of labels."
        )
    (_, header), *rows = tables.read(path) or [(1, [])]
    if not rows:
        raise ValueError(f"{path} has no rows; name one picture a line.")
    table = [dict(zip(header, row, strict=False)) for _, row in rows]
    _has_column(path, dict.fromkeys(header, ""), "file")
    for (number, row), line in zip(rows, table, strict=True):
        name = line["file"]
        if name not in Within():
            raise ValueError(
                f"Line {number} of {path} names the file {name!r}, which is no path within "
                f"{path.parent / 'images'}; put the picture there and name it as it lies there."
            )
        if len(row) < len(header):
            raise ValueError(
                f"Line {number} of {path} has {len(row)} cells and not {len(header)} as the "
                "header; write the missing ones, empty where there is nothing to say."
            )
    return table


def _has_column(path: Path, line: Mapping[str, str], column: str) -> None:
    if line.get(column) is None:
        there = ", ".join(name for name in line if name)
        raise ValueError(f"{path} has no column {column!r}; its columns are {there}.")


def lines_of(
    root: Path, table: list[dict[str, str]], split: str
) -> list[tuple[int, dict[str, str]]]:
    """The lines of a split, each with its number; of an empty split all.

    Raises:
        ValueError: there is no such split.
    """
    lines = list(enumerate(table))
    if not split:
        return lines
    _has_column(root / TABLE, table[0], "split")
    chosen = [(i, line) for i, line in lines if line["split"] == split]
    if not chosen:
        known = ", ".join(sorted({line["split"] for line in table}))
        raise ValueError(f"{root / 'labels.csv'} has no split {split!r}; choose one of {known}.")
    return chosen


def _own_classes(
    root: Path, labels: Listed | Flagged, lines: list[dict[str, str]]
) -> dict[str, int]:
    """The folder's own classes: their names, and their numbers in a mask."""
    columns = labels.columns if isinstance(labels, Flagged) else (labels.column,)
    for column in columns:
        _has_column(root / TABLE, lines[0], column)
    named = root / CLASSES
    if named.is_file():
        remedy = "make it a list of the classes' names, in order, or an object of name and number"
        names = json_file.read(named, tuple[str, ...] | dict[str, int], remedy)
        if not isinstance(names, dict):
            names = {name: i for i, name in enumerate(names)}
        numbers = list(names.values())
        if any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError(f"{named} gives a name what is no number of a class; {remedy}.")
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"{named} gives two names one number; {remedy}.")
        return names
    if isinstance(labels, Flagged):
        return {name: i for i, name in enumerate(labels.columns, 1)}
    listed = {word for line in lines for word in line[labels.column].split()}
    if all(word.isdecimal() for word in listed):
        return {word: int(word) for word in sorted(listed, key=int)}
    return {word: i for i, word in enumerate(sorted(listed), 1)}


def _groups(
    root: Path, numbers: Mapping[str, int], classes: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """The folder's own class -> our class, for those that belong to one."""
    if not classes:
        raise ValueError(f"{root} has no classes; name them in labels.csv, or in classes.json.")
    groups: dict[str, int] = {}
    for k, (name, members) in enumerate(classes.items()):
        for member in members:
            if member not in numbers:
                raise ValueError(
                    f"{root} has no class {member!r} (wanted for {name!r}); "
                    f"its classes are {', '.join(numbers)}."
                )
            if groups.setdefault(member, k) != k:
                raise ValueError(f"{member!r} is in two classes; leave it in one of them.")
    return groups


def _truth(
    root: Path,
    lines: list[tuple[int, dict[str, str]]],
    labels: Listed | Flagged,
    numbers: Mapping[str, int],
    groups: Mapping[str, int],
    num_classes: int,
) -> np.ndarray:
    """``[n k]`` float32 0 / 1."""
    truth = np.zeros((len(lines), num_classes), np.float32)
    known = {str(number): name for name, number in numbers.items()} | {n: n for n in numbers}
    for i, (row, line) in enumerate(lines):
        where = f"Line {row + 2} of {root / 'labels.csv'}"
        for word in labels.present(where, line):
            if word not in known:
                raise ValueError(
                    f"{where} names the unknown class {word!r}; "
                    f"the classes of this folder are {', '.join(numbers)}."
                )
            if known[word] in groups:
                truth[i, groups[known[word]]] = 1.0
    return truth


def _every_class_is_there(
    root: Path, split: str, labels: np.ndarray, class_names: tuple[str, ...]
) -> None:
    for k, name in enumerate(class_names):
        if not labels[:, k].any():
            where = f"split {split!r} of {root}" if split else str(root)
            raise ValueError(
                f"No picture in {where} shows the class {name!r}; leave the class out, "
                "or add a picture that shows it."
            )


def _meaning(numbers: Mapping[str, int], groups: Mapping[str, int]) -> np.ndarray:
    meaning = np.zeros(256, np.uint16)
    meaning[VOID] = VOID
    for name, k in groups.items():
        if numbers[name] < VOID:  # a mask holds no larger one
            meaning[numbers[name]] = 1 + k
    return meaning
