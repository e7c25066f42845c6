"""What some pictures can tell apart: intervals, paired differences, and whether scores agree."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from xai_jax.core.metric import Column, Metric
from xai_jax.scoring import bootstrap
from xai_jax.scoring.agreement import agreement
from xai_jax.scoring.bootstrap import Difference, Draws
from xai_jax.scoring.record import Record
from xai_jax.scoring.table import Table, means, plain, write_csv

INTERVALS, PAIRS, AGREEMENT = "intervals.csv", "pairs.csv", "agreement.csv"


def intervals(
    records: Mapping[str, Record], metrics: Sequence[Metric], draws: Draws
) -> dict[str, np.ndarray]:
    """Low and high end of each number of the table, ``{column: [rows 2]}``."""
    found: dict[str, list[tuple[float, float]]] = {}
    for record in records.values():
        for metric in metrics:
            made = _resampled(record, metric, None, draws)
            for column in metric.columns:
                ends = bootstrap.interval(made[column.name])
                found.setdefault(column.name, []).append(ends)
    return {name: np.array(ends) for name, ends in found.items()}


def _resampled(
    record: Record, metric: Metric, only: Collection[str] | None, draws: Draws
) -> dict[str, np.ndarray]:
    """NaN where there is nothing to draw."""
    if not record.names or record.failed(metric):
        return {column.name: np.full(draws.num, np.nan) for column in metric.columns}
    names = [name for name in record.names if only is None or name in only]
    rows = record.rows(metric, only)
    return bootstrap.resampled(rows, metric, draws.num, groups=draws.groups(names))


def write(
    workdir: Path,
    table: Table,
    records: Mapping[str, Record],
    metrics: Sequence[Metric],
    methods: Sequence[str],
    draws: Draws,
) -> tuple[str, ...]:
    """Writes the files of a comparison, and returns what the page says of them.

    Args:
        workdir: the scores' folder.
        table: with its intervals.
        records: by contestant.
        metrics: whose columns the table has.
        methods: the contestants that are compared in pairs, and ranked.
        draws: what is drawn again.
    """
    columns = [c for metric in metrics for c in metric.columns]
    write_csv(
        workdir / INTERVALS,
        ["contestant", "column", "value", "low", "high"],
        (
            [row, c.name, *map(plain, (table[c.name][n], *table.intervals[c.name][n]))]
            for n, row in enumerate(table.rows)
            for c in columns
        ),
    )
    methods = [name for name in methods if name in records]
    ranked = _ranked(table, columns, methods)
    matrix = agreement(table, [c.name for c in ranked], methods)
    matrix.to_csv(workdir / AGREEMENT)
    chosen = {name: records[name] for name in methods}
    lines = _pairs(chosen, metrics, draws)
    header = ["column", "one", "other", "difference", "low", "high", "p", "holm"]
    write_csv(workdir / PAIRS, header, lines)
    return _notes(matrix, draws)


def _ranked(table: Table, columns: Sequence[Column], methods: Sequence[str]) -> list[Column]:
    """Columns that say which method is better."""
    places = [table.rows.index(name) for name in methods]
    known = [c for c in columns if c.better != "neither"]
    return [c for c in known if (~np.isnan(table[c.name][places])).sum() > 1]


def _pairs(
    records: Mapping[str, Record], metrics: Sequence[Metric], draws: Draws
) -> list[list[str]]:
    """A line a column and pair, on the pictures that all of them share; Holm within a column."""
    if len(records) < 2:
        return []
    shared = set.intersection(*(set(record.names) for record in records.values()))
    if not shared:
        return []
    rows = {name: means(record, metrics, shared) for name, record in records.items()}
    lines = []
    for metric in metrics:
        made = {name: _resampled(record, metric, shared, draws) for name, record in records.items()}
        for column in (c.name for c in metric.columns):
            lines += _of_column(column, rows, made)
    return lines


def _of_column(
    column: str,
    rows: Mapping[str, Mapping[str, float]],
    made: Mapping[str, Mapping[str, np.ndarray]],
) -> list[list[str]]:
    pairs = list(itertools.combinations(rows, 2))
    found: list[Difference] = [
        bootstrap.difference(
            rows[one][column] - rows[other][column], made[one][column], made[other][column]
        )
        for one, other in pairs
    ]
    adjusted = bootstrap.holm(np.array([gap.p for gap in found]))
    return [
        [column, one, other, *map(plain, (*gap, p))]
        for (one, other), gap, p in zip(pairs, found, adjusted, strict=True)
    ]


def _notes(matrix: Table, draws: Draws) -> tuple[str, ...]:
    whole = "" if draws.group_of is None else ", all of a group drawn together"
    notes = [
        f"In brackets {bootstrap.LEVEL:.0%} intervals: percentiles of {draws.num} resamples of "
        f"the pictures{whole}. {PAIRS} has the differences of each two methods, paired by "
        f"picture, with Holm's correction within a column; {AGREEMENT} says whether two columns "
        "rank alike.\n"
    ]
    gains = [name for name in matrix.rows if name.split("_")[0] == "srg"]
    taus = [
        f"{one.removeprefix('srg_')} and {other.removeprefix('srg_')} "
        f"{matrix[one][matrix.rows.index(other)]:.2f}"
        for one, other in itertools.combinations(gains, 2)
    ]
    if taus:
        words = "Kendall's tau of the ranking of methods by SRG, by what takes the pixels' place"
        notes.append(f"{words}: {', '.join(taus)}.\n")
    return tuple(notes)
