"""A table of scores: who, by what, and how it is written."""

import csv
import dataclasses
import io
import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from xai_jax.core.metric import Column, Metric
from xai_jax.runtime import spreadsheet
from xai_jax.runtime.files import place, write_whole
from xai_jax.scoring.record import Record

PICTURES = Column("pictures", "pictures", "neither", 0, math.inf, "", "how many were scored", 0)
MILLISECONDS = Column(
    "milliseconds", "ms a picture", "lower", 0.0, math.inf, "ms",
    "median call, for the masks of all true classes of a picture", 2,
)  # fmt: skip
PASSES = Column(
    "passes", "passes", "lower", 0.0, math.inf, "",
    "multiplications over those of a forward pass, for the same", 1,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Scores of contestants.

    Fields:
        rows: names of the contestants.
        columns: declarations of the columns, by which they are written.
        values: ``{column: [rows]}`` float64; NaN where there is no number.
        notes: what else the page says, one paragraph each.
        intervals: ``{column: [rows 2]}``, ends of an interval around each value, of the columns
            that have them; NaN where there is none.
    """

    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    values: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()
    intervals: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __getitem__(self, column: str) -> np.ndarray:
        """A column by its name, ``[rows]``.

        Raises:
            KeyError: there is none.
        """
        return self.values[column]

    def to_csv(self, path: str | os.PathLike) -> None:
        """A line a contestant; empty where there is no number.

        Raises:
            OSError: it cannot be written.
        """
        lines = (
            [name, *(plain(self.values[column.name][n]) for column in self.columns)]
            for n, name in enumerate(self.rows)
        )
        write_csv(place(path), ["contestant", *(column.name for column in self.columns)], lines)

    def to_markdown(self, columns: Collection[str] | None = None) -> str:
        """For a page, without the columns in which nobody has a number.

        Args:
            columns: names of the only ones that are written; ``None``: all.
        """
        lines = self._cells(columns)
        lines.insert(1, ["---"] * len(lines[0]))
        return "".join("| " + " | ".join(line) + " |\n" for line in lines)

    def _repr_html_(self) -> str:
        head, *lines = self._cells()
        rows = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
        rows += ["".join(f"<td>{escape(cell)}</td>" for cell in line) for line in lines]
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"

    def _cells(self, only: Collection[str] | None = None) -> list[list[str]]:
        chosen = [c for c in self.columns if only is None or c.name in only]
        used = [c for c in chosen if not np.isnan(self.values[c.name]).all()]
        head = ["", *(column.head for column in used)]
        lines = [
            [name, *(self._cell(column, n) for column in used)] for n, name in enumerate(self.rows)
        ]
        return [head, *lines]

    def _cell(self, column: Column, n: int) -> str:
        shown = _shown(column, self.values[column.name][n])
        ends = self.intervals.get(column.name, np.full((len(self.rows), 2), np.nan))[n]
        if np.isnan(ends).any():
            return shown
        return f"{shown} [{_shown(column, ends[0])}, {_shown(column, ends[1])}]"


def table_of(
    records: Mapping[str, Record],
    metrics: Sequence[Metric],
    *,
    only: Collection[str] | None = None,
    notes: tuple[str, ...] = (),
) -> Table:
    """The table of some records.

    Args:
        records: by contestant.
        metrics: whose columns it has.
        only: names of the only pictures that count; ``None``: all.
        notes: see `Table`.
    """
    columns = (PICTURES, *(c for metric in metrics for c in metric.columns), PASSES, MILLISECONDS)
    rows = [means(record, metrics, only) for record in records.values()]
    values = {c.name: np.array([row[c.name] for row in rows], np.float64) for c in columns}
    return Table(rows=tuple(records), columns=columns, values=values, notes=notes)


def means(
    record: Record, metrics: Sequence[Metric], only: Collection[str] | None = None
) -> dict[str, float]:
    """One row of a table, by column."""
    num = sum(only is None or name in only for name in record.names)
    row = {PICTURES.name: float(num), MILLISECONDS.name: record.milliseconds}
    row[PASSES.name] = record.passes
    for metric in metrics:
        if num and not record.failed(metric):
            row |= metric.reduce(record.rows(metric, only))
        else:
            row |= {column.name: math.nan for column in metric.columns}
    return row


def plain(value: float) -> str:
    """For a spreadsheet: empty where there is no number."""
    return "" if math.isnan(value) else f"{value:.9g}"


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Writes a table whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(map(spreadsheet.cell, line) for line in [header, *lines])
    # File names that are no UTF-8 travel as surrogates.
    write_whole(path, text.getvalue().encode(errors="surrogateescape"))


def _shown(column: Column, value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{100 * value if column.unit == '%' else value:.{column.digits}f}"
