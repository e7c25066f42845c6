"""The table of a folder of pictures: labels.csv, every line of it checked."""

from collections.abc import Mapping
from pathlib import Path

from xai_jax.core.domains import Within
from xai_jax.data import table as tables
from xai_jax.data.folder_examples import TABLE

Lines = list[tuple[int, dict[str, str]]]  # of the table, each with its number, from 0


def lines_of(root: Path, split: str) -> Lines:
    """The lines of a split, each with its number; of an empty split all.

    Args:
        root: the folder, whose ``labels.csv`` names files within ``images/``.
        split: whose lines.

    Raises:
        ValueError: there is no such split, or the table is missing or empty, has a line with too
            few or too many cells, or names another place.
    """
    table = _table_of(root)
    lines = list(enumerate(table))
    if not split:
        return lines
    check_column(root / TABLE, table[0], "split")
    chosen = [(i, line) for i, line in lines if line["split"] == split]
    if not chosen:
        known = ", ".join(sorted({line["split"] for line in table}))
        raise ValueError(f"{root / 'labels.csv'} has no split {split!r}; choose one of {known}.")
    return chosen


def by_picture(lines: Lines) -> list[Lines]:
    """The lines of each picture together, in the order of its first one."""
    found: dict[str, Lines] = {}
    for row, line in lines:
        found.setdefault(line["file"], []).append((row, line))
    return list(found.values())


def check_column(path: Path, line: Mapping[str, str], column: str) -> None:
    """Refuses a table whose lines have no such column.

    Raises:
        ValueError: with the columns that there are.
    """
    if line.get(column) is None:
        there = ", ".join(name for name in line if name)
        raise ValueError(f"{path} has no column {column!r}; its columns are {there}.")


def _table_of(root: Path) -> list[dict[str, str]]:
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
    check_column(path, dict.fromkeys(header, ""), "file")
    return [_checked(path, header, *row) for row in rows]


def _checked(path: Path, header: list[str], number: int, row: list[str]) -> dict[str, str]:
    """One line as ``{column: cell}``."""
    if len(row) < len(header) or any(cell.strip() for cell in row[len(header) :]):
        raise ValueError(
            f"Line {number} of {path} has {len(row)} cells and not {len(header)} as the header; "
            "leave a cell empty where there is nothing to say, and quote one that has the "
            "separator in it."
        )
    line = dict(zip(header, row, strict=False))
    if line["file"] not in Within():
        raise ValueError(
            f"Line {number} of {path} names the file {line['file']!r}, which is no path within "
            f"{path.parent / 'images'}; put the picture there and name it as it lies there."
        )
    return line
