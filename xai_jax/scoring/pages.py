"""What a workdir holds of its scores: for spreadsheets, picture by picture, and for a page."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from xai_jax.core.metric import Metric
from xai_jax.metrics import specificity
from xai_jax.metrics.evidence_maps import counts_flat
from xai_jax.runtime.files import write_whole
from xai_jax.scoring import comparison
from xai_jax.scoring.bootstrap import Draws
from xai_jax.scoring.classified import Classified
from xai_jax.scoring.record import Record
from xai_jax.scoring.stage import Stage
from xai_jax.scoring.table import Table, plain, table_of, write_csv

SCORES, PER_PICTURE, SPECIFICITY, PAGE = (
    "scores.csv",
    "per_picture.csv",
    "specificity.csv",
    "scores.md",
)
_NAMED = 5  # skipped pictures that the page names


def write(
    workdir: Path,
    stage: Stage,
    metrics: Sequence[Metric],
    classifier: Classified,
    records: Mapping[str, Record],
    methods: Sequence[str],
    draws: Draws,
    said: tuple[str, ...] = (),
) -> Table:
    """Writes all tables, and returns the first one.

    Args:
        workdir: the scores' folder.
        stage: on what.
        metrics: whose columns they have.
        classifier: how good it is.
        records: by contestant.
        methods: those of them that are compared in pairs.
        draws: of the bootstrap; of 0 resamples there are no intervals.
        said: lines that end the page.
    """
    notes = (*_notes(stage, metrics, classifier, records, methods), *said)
    table = table_of(records, metrics, notes=notes)
    if draws.num:
        ends = comparison.intervals(records, metrics, draws)
        table = dataclasses.replace(table, intervals=ends)
        more = comparison.write(workdir, table, records, metrics, methods, draws)
        table = dataclasses.replace(table, notes=(*more, *notes))
    table.to_csv(workdir / SCORES)
    single = [(m, row.name) for m in metrics for row in m.rows if not row.axes]
    header = ["contestant", "picture", *(name for _, name in single)]
    write_csv(workdir / PER_PICTURE, header, _pictures(records, single))
    write_csv(workdir / SPECIFICITY, *_cells(stage, metrics, records))
    text = "\n".join([table.to_markdown(), *table.notes])
    write_whole(workdir / PAGE, text.encode(errors="surrogateescape"))
    return table


def _pictures(
    records: Mapping[str, Record], single: Sequence[tuple[Metric, str]]
) -> Iterable[list[str]]:
    for name, record in records.items():
        nothing = np.full(len(record.names), np.nan)
        columns = [
            nothing if record.failed(metric) else record.rows(metric)[row] for metric, row in single
        ]
        for n, picture in enumerate(record.names):
            yield [name, picture, *(plain(values[n]) for values in columns)]


def _cells(
    stage: Stage, metrics: Sequence[Metric], records: Mapping[str, Record]
) -> tuple[list[str], list[list[str]]]:
    """The matrix of each contestant: true class, no mask, each mask."""
    classes = [str(k) for k in stage.classes]
    metric = next((m for m in metrics if specificity.classes_of([m])), None)
    lines: list[list[str]] = []
    for name, record in records.items():
        if metric is None or record.failed(metric):
            continue
        found = specificity.table(record.rows(metric))
        if found is not None:
            lines += [[name, k, *map(plain, row)] for k, row in zip(classes, found, strict=True)]
    return ["contestant", "class", "none", *classes], lines


def _notes(
    stage: Stage,
    metrics: Sequence[Metric],
    classifier: Classified,
    records: Mapping[str, Record],
    methods: Sequence[str],
) -> tuple[str, ...]:
    devices = ", ".join(sorted({record.device for record in records.values()}))
    notes = [
        f"Milliseconds on {devices} in batches of {stage.batch_size}, for the masks of all "
        "true classes of a picture.\n"
    ]
    shared = set.intersection(*(set(record.names) for record in records.values()))
    if shared and any(len(shared) < len(record.names) for record in records.values()):
        notes.append(f"On the {len(shared)} pictures that every row was scored on:\n")
        notes.append(table_of(records, metrics, only=shared).to_markdown())
    notes += _failures(metrics, records)
    notes += _flat(metrics, {name: records[name] for name in methods})  # not of given masks
    skipped = dict(classifier.skipped)
    for record in records.values():
        skipped |= record.skipped
    if skipped:
        notes.append(_skipped(skipped, len(stage.known)))
    auc = "undefined" if classifier.macro_auc is None else f"{classifier.macro_auc:.3f}"
    notes.append(
        f"The classifier on {classifier.pictures} pictures: micro accuracy "
        f"{classifier.accuracy:.3f}, precision {classifier.precision:.3f}, recall "
        f"{classifier.recall:.3f}, F1 {classifier.f1:.3f}; macro AUC {auc}.\n"
    )
    return tuple(notes)


def _failures(metrics: Sequence[Metric], records: Mapping[str, Record]) -> list[str]:
    """Which metrics have no number of which contestants, and why; one sentence a reason."""
    of_reason: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        for name, record in records.items():
            if record.failed(metric):
                known = metric.columns[0].name, record.failed(metric)
                of_reason.setdefault(known, []).append(name)
    return [
        f"{column} of {', '.join(names)} could not be measured: {reason}\n"
        for (column, reason), names in of_reason.items()
    ]


def _flat(metrics: Sequence[Metric], records: Mapping[str, Record]) -> list[str]:
    """One warning of maps that rank nothing, where they are counted."""
    metric = counts_flat(metrics)
    if metric is None:
        return []
    counts = {
        name: int(metric.reduce(record.rows(metric))["flat_maps"])
        for name, record in records.items()
        if record.names and not record.failed(metric)
    }
    found = [f"{count} of {name}" for name, count in counts.items() if count]
    words = "the same everywhere: an order that says nothing stands for them"
    return [f"Maps that are {words}: {', '.join(found)}.\n"] if found else []


def _skipped(skipped: Mapping[str, str], num: int) -> str:
    first = [f"{name}: {reason}" for name, reason in list(skipped.items())[:_NAMED]]
    more = (
        " The other reasons are in classifier.json and in contestants/."
        if (len(skipped) > _NAMED)
        else ""
    )
    return f"{len(skipped)} of {num} pictures were skipped. {' '.join(first)}{more}\n"
