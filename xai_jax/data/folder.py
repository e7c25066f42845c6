"""Anybody's own pictures: a folder with ``images/``, ``labels.csv`` and perhaps ``masks/``."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xai_jax.core.domains import Real
from xai_jax.core.settings import Settings
from xai_jax.data import folder_classes, folder_table
from xai_jax.data import table as tables
from xai_jax.data.example import VOID
from xai_jax.data.folder_examples import CLASSES, TABLE, FolderExamples
from xai_jax.data.one_object import object_number
from xai_jax.runtime.files import place


@dataclasses.dataclass(slots=True, kw_only=True)
class Listed(Settings):
    """One column that lists the classes of a picture, by name or number, with blanks between.

    "index:3" and "name:3" say which of the two a number is, where names are numbers.
    """

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
            return [
                f"{tables.NAME}{column}" for column in self.columns if self._is_there(line[column])
            ]
        except (TypeError, ValueError):
            raise ValueError(
                f"{where} has no number in one of {', '.join(self.columns)}; "
                "write 1 where the picture shows the class and 0 where it does not."
            ) from None

    def _is_there(self, cell: str) -> bool:
        value = float(cell)
        if math.isnan(value):
            raise ValueError(cell)
        return value > self.above


@dataclasses.dataclass(slots=True, kw_only=True)
class Folder(Settings):
    """The settings of a folder; `build` reads and checks its table.

    Fields:
        root: the folder. ``labels.csv`` has a column ``file`` (below ``images/``), perhaps
            ``split``, and what `labels` names; a picture with several lines, one an object say,
            shows what any of them names. Masks are ``masks/<name of the file>.png``, one number a
            pixel; 255 is void, but in masks of a single class that hold one number besides 0, that
            is the class: 0 and 255, or 0 and 128. ``classes.json`` lists the names of the numbers
            from 0 on, or maps names to numbers; without it, listed numbers mean themselves, and
            names or flags count from 1.
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
        lines = folder_table.lines_of(root, self.split)
        numbers = _own_classes(root, self.labels, [line for _, line in lines])
        classes = self.classes or {name: (name,) for name, n in numbers.items() if n != 0}
        groups = folder_classes.groups(root, numbers, classes)
        of_pictures = folder_table.by_picture(lines)
        labels = _truth(root, of_pictures, self.labels, numbers, groups, len(classes))
        kept = np.flatnonzero(labels.any(1)) if self.drop_empty else np.arange(len(labels))
        _every_class_is_there(root, self.split, labels, tuple(classes))
        rows = FolderExamples(
            root=root,
            pictures=root / "images",
            class_names=tuple(classes),
            rows=tuple(of_pictures[i][0][0] for i in kept),
            files=tuple(of_pictures[i][0][1]["file"] for i in kept),
            labels=labels[kept],
            meaning=_meaning(numbers, groups),
            has_masks=(root / "masks").is_dir(),
        )
        rows.check()
        return _with_own_number(rows, numbers, groups)


def _own_classes(
    root: Path, labels: Listed | Flagged, lines: list[dict[str, str]]
) -> dict[str, int]:
    """The folder's own classes: their names, and their numbers in a mask."""
    columns = labels.columns if isinstance(labels, Flagged) else (labels.column,)
    for column in columns:
        folder_table.check_column(root / TABLE, lines[0], column)
    if (root / CLASSES).is_file():
        return folder_classes.named(root / CLASSES)
    if isinstance(labels, Flagged):
        return {name: i for i, name in enumerate(labels.columns, 1)}
    listed = {word for line in lines for word in line[labels.column].split()}
    found = [tables.whole_number(word) for word in listed]
    whole = {number for number in found if number is not None and number >= 0}
    if all(number in whole for number in found):
        return {str(number): number for number in sorted(whole)}
    return {word: i for i, word in enumerate(sorted(listed), 1)}


def _truth(
    root: Path,
    pictures: list[folder_table.Lines],
    labels: Listed | Flagged,
    numbers: Mapping[str, int],
    groups: Mapping[str, int],
    num_classes: int,
) -> np.ndarray:
    """``[n k]`` float32 0 / 1."""
    truth = np.zeros((len(pictures), num_classes), np.float32)
    for i, row, line in [(i, *line) for i, lines in enumerate(pictures) for line in lines]:
        where = f"Line {row + 2} of {root / TABLE}"
        for word in labels.present(where, line):
            name = _class_of(word, numbers, where)
            if name in groups:
                truth[i, groups[name]] = 1.0
    return truth


def _class_of(word: str, numbers: Mapping[str, int], where: str) -> str:
    """The folder's own class that a word of the table means; `where` is for errors.

    Raises:
        ValueError: there is none, or the word is one's number and another's name.
    """
    plain = word.removeprefix(tables.INDEX).removeprefix(tables.NAME)
    by_number = [name for name, number in numbers.items() if number == tables.whole_number(plain)]
    by_name = [name for name in numbers if name == plain]
    if word.startswith(tables.INDEX):
        by_name = []
    elif word.startswith(tables.NAME):
        by_number = []
    found = list(dict.fromkeys(by_name + by_number))
    if not found:
        raise ValueError(
            f"{where} names the unknown class {plain!r}; "
            f"the classes of this folder are {', '.join(numbers)}."
        )
    if len(found) > 1:
        raise ValueError(
            f"{where} names {word!r}, the number of the class {by_number[0]!r} and the name of "
            f"another one; write {tables.INDEX}{word} or {tables.NAME}{word}."
        )
    return found[0]


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


def _with_own_number(
    rows: FolderExamples, numbers: Mapping[str, int], groups: Mapping[str, int]
) -> FolderExamples:
    """The rows, where the masks of a single class have a number of their own for it."""
    own = [name for name, number in numbers.items() if number != 0]
    if not rows.has_masks or len(own) != 1 or list(groups) != own:
        return rows
    shown = (rows.mask_of(i) for i in np.flatnonzero(rows.labels.any(1)).tolist())
    found = object_number(shown, numbers[own[0]])
    if found is None:
        return rows
    meaning = rows.meaning.copy()
    meaning[found] = 1
    return dataclasses.replace(rows, meaning=meaning)


def _meaning(numbers: Mapping[str, int], groups: Mapping[str, int]) -> np.ndarray:
    meaning = np.zeros(256, np.uint16)
    meaning[VOID] = VOID
    for name, k in groups.items():
        if numbers[name] < VOID:  # a mask holds no larger one
            meaning[numbers[name]] = 1 + k
    return meaning
