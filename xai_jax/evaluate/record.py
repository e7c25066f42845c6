"""The scores of one contestant, picture by picture, in a file that says whose they are."""

import dataclasses
import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from xai_jax.evaluate.columns import NAMES
from xai_jax.metrics import specificity
from xai_jax.runtime.files import write_whole
from xai_jax.runtime.manifest import in_words

FOLDER = "contestants"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What is kept of a contestant.

    Fields:
        settings: all that the scores depend on, besides what all contestants share.
        device: what computed.
        milliseconds: a picture; differs from start to start, as nothing else here does.
        pictures: ``[p]`` ids of the pictures that were scored.
        scores: ``{column: [p]}``; NaN where a metric is not defined for the picture.
        specific_pictures: ``[q]`` ids of those with class specificity.
        is_in: ``[q][n]``, 1 where the compared class is in the picture.
        probabilities: ``[q][n][1+n]``, see `metrics.specificity`.
    """

    settings: dict[str, Any]
    device: str
    milliseconds: float
    pictures: list[int]
    scores: dict[str, list[float]]
    specific_pictures: list[int]
    is_in: list[list[float]]
    probabilities: list[list[list[float]]]

    def write(self, workdir: Path, name: str) -> None:
        """Writes the file whole or not at all: the sign that the contestant is done."""
        fields = dataclasses.asdict(self)
        fields["scores"] = {
            column: [None if math.isnan(value) else value for value in values]
            for column, values in self.scores.items()
        }
        write_whole(path(workdir, name), (json.dumps(fields) + "\n").encode())

    def means(self, pictures: Collection[int] | None = None) -> dict[str, float]:
        """The row of the table: the mean of each column, NaN left out.

        Args:
            pictures: ids of the only pictures that count; ``None``: all.
        """
        chosen = [pictures is None or picture in pictures for picture in self.pictures]
        row = {"pictures": float(sum(chosen))}
        row |= {name: _mean(np.array(self.scores[name])[chosen]) for name in NAMES}
        row["diagonal"], row["off_diagonal"] = _specificity(self.matrix(pictures))
        row["milliseconds"] = self.milliseconds
        return row

    def matrix(self, pictures: Collection[int] | None = None) -> np.ndarray | None:
        """``[n 1+n]``, see `metrics.specificity`; ``None`` where it was not computed."""
        chosen = [pictures is None or picture in pictures for picture in self.specific_pictures]
        if not any(chosen):
            return None
        return specificity.matrix(
            np.array(self.probabilities)[chosen], np.array(self.is_in)[chosen]
        )


def path(workdir: Path, name: str) -> Path:
    """Where the record of a contestant lies."""
    return workdir / FOLDER / f"{name}.json"


def read(workdir: Path, name: str, settings: dict[str, Any]) -> Record | None:
    """The record of a contestant that is done; ``None`` where it is not.

    Raises:
        ValueError: it is of other settings, or no record.
    """
    file = path(workdir, name)
    if not file.exists():
        return None
    try:
        fields = json.loads(file.read_text())
        columns = fields["scores"]
        fields["scores"] = {
            column: [math.nan if value is None else value for value in values]
            for column, values in columns.items()
        }
        record = Record(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"{file} is no record of scores; remove it, and it is made anew."
        ) from None
    if record.settings != settings:
        raise ValueError(
            f"{file} was scored with other settings: {in_words('', record.settings, settings)}; "
            "remove that file, or choose another --workdir."
        )
    return record


def _specificity(table: np.ndarray | None) -> tuple[float, float]:
    """Diagonal and off-diagonal of the classes that are in some picture; NaN for less than two."""
    if table is None:
        return math.nan, math.nan
    there = np.flatnonzero(~np.isnan(table[:, 0]))
    if len(there) < 2:
        return math.nan, math.nan
    part = table[np.ix_(there, np.concatenate([[0], 1 + there]))]
    return specificity.diagonal(part), specificity.off_diagonal(part)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return math.fsum(known) / len(known) if len(known) else math.nan
