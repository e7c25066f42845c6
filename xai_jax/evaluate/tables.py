"""The tables of an evaluation: for spreadsheets, picture by picture, and for a page."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from xai_jax.evaluate.classified import Classified
from xai_jax.evaluate.columns import NAMES
from xai_jax.evaluate.evaluation import Evaluation
from xai_jax.evaluate.record import Record
from xai_jax.runtime.files import write_whole

SCORES, PER_PICTURE, SPECIFICITY, PAGE = (
    "scores.csv",
    "per_picture.csv",
    "specificity.csv",
    "scores.md",
)
_TIMES = "diagonal", "off_diagonal", "milliseconds"
COLUMNS = ("pictures", *NAMES, *_TIMES)
_HEADS = {  # of scores.md, with the digits after the point
    "pictures": ("pictures", 0),
    "mean_f1": ("mean F1", 3),
    "soft_iou": ("cont. IoU", 3),
    "auc": ("AUC", 3),
    "saliency": ("saliency", 3),
    "background_coverage": ("background cov.", 3),
    "object_coverage": ("object cov.", 3),
    "dice": ("Dice", 3),
    "pointing": ("pointing", 3),
    "kept": ("kept %", 1),
    "removed": ("removed %", 1),
    "diagonal": ("own class %", 1),
    "off_diagonal": ("other class %", 1),
    "milliseconds": ("ms a picture", 2),
}
_PERCENT = {"kept", "removed", "diagonal", "off_diagonal"}


def write(
    workdir: Path,
    evaluation: Evaluation,
    classifier: Classified,
    records: Mapping[str, Record],
) -> Path:
    """Writes all tables, and returns the path of ``scores.md``."""
    rows = {name: record.means() for name, record in records.items()}
    header = ["contestant", *COLUMNS]
    lines = ([name, *(_plain(row[column]) for column in COLUMNS)] for name, row in rows.items())
    _csv(workdir / SCORES, header, lines)
    _csv(workdir / PER_PICTURE, ["contestant", "picture", *NAMES], _pictures(records))
    names = [str(k) for k in evaluation.classes]
    _csv(workdir / SPECIFICITY, ["contestant", "class", "none", *names], _cells(records, names))
    text = _page(evaluation, classifier, records, rows)
    write_whole(workdir / PAGE, text.encode())
    return workdir / PAGE


def _pictures(records: Mapping[str, Record]) -> Iterable[list]:
    for name, record in records.items():
        columns = [record.scores[column] for column in NAMES]
        for picture, *values in zip(record.pictures, *columns, strict=True):
            yield [name, picture, *map(_plain, values)]


def _cells(records: Mapping[str, Record], classes: list[str]) -> Iterable[list]:
    for name, record in records.items():
        table = record.matrix()
        if table is not None:
            for k, row in zip(classes, table, strict=True):
                yield [name, k, *map(_plain, row)]


def _page(
    evaluation: Evaluation,
    classifier: Classified,
    records: Mapping[str, Record],
    rows: Mapping[str, Mapping[str, float]],
) -> str:
    devices = ", ".join(sorted({record.device for record in records.values()}))
    parts = [
        _markdown(rows),
        f"Milliseconds on {devices} in batches of {evaluation.batch_size}, for the masks of all "
        "true classes of a picture.\n",
    ]
    shared = set.intersection(*(set(record.pictures) for record in records.values()))
    if any(len(shared) < len(record.pictures) for record in records.values()):
        parts.append(f"On the {len(shared)} pictures that every row was scored on:\n")
        parts.append(_markdown({name: record.means(shared) for name, record in records.items()}))
    auc = "undefined" if classifier.macro_auc is None else f"{classifier.macro_auc:.3f}"
    parts.append(
        f"The classifier on {classifier.pictures} pictures: micro accuracy "
        f"{classifier.accuracy:.3f}, precision {classifier.precision:.3f}, recall "
        f"{classifier.recall:.3f}, F1 {classifier.f1:.3f}; macro AUC {auc}.\n"
    )
    return "\n".join(parts)


def _markdown(rows: Mapping[str, Mapping[str, float]]) -> str:
    used = [
        column for column in COLUMNS if any(not math.isnan(row[column]) for row in rows.values())
    ]
    lines = [["", *(_HEADS[column][0] for column in used)], ["---"] * (1 + len(used))]
    lines += [
        [name, *(_shown(column, row[column]) for column in used)] for name, row in rows.items()
    ]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _shown(column: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{100 * value if column in _PERCENT else value:.{_HEADS[column][1]}f}"


def _plain(value: float) -> str:
    """For a spreadsheet: empty where there is no number."""
    return "" if math.isnan(value) else f"{value:.9g}"


def _csv(path: Path, header: list[str], lines: Iterable[list]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_whole(path, text.getvalue().encode())
