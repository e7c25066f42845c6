"""The scores of one contestant, picture by picture, in a file that says what they depend on."""

import dataclasses
import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xai_jax.core import json_file
from xai_jax.core.content import as_json
from xai_jax.core.metric import Metric
from xai_jax.runtime.files import write_whole
from xai_jax.runtime.manifest import in_words

FOLDER = "contestants"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scored:
    """What the scores of one picture depend on; "" where it could not be read.

    Fields:
        name: of the picture.
        picture: digest of its content.
        truth: digest of its labels and its mask, and of how masks are read.
        explained: digest of what its masks are made of.
        reason: why it has no scores; "" where it has some.
        counts: false for a picture of which the row has nothing to say: the truth of one that is
            all void.
    """

    name: str
    picture: str
    truth: str
    explained: str
    reason: str = ""
    counts: bool = True

    @property
    def has_scores(self) -> bool:
        """Whether it is one of the scored pictures."""
        return self.counts and not self.reason

    def like(self, other: "Scored | None") -> bool:
        """Whether `other` was scored on the same; never where something cannot be recognised."""
        digests = (self.picture, self.truth, self.explained)
        return (
            other is not None
            and all(digests)
            and digests == (other.picture, other.truth, other.explained)
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """What is kept of a contestant.

    Fields:
        settings: all that its explanations depend on, besides what all contestants share.
        device: what computed.
        milliseconds: a picture; differs from start to start, as nothing else here does.
        passes: forward passes that a picture takes (`scoring.calls`).
        pictures: all that it was asked for; those that have scores are the p rows below.
        metrics: ``{"settings": ..., "rows": {row: [p ...]}, "failed": reason}`` of each metric; NaN
            where it is not defined for a picture. One that has failed has a reason and no rows.
    """

    settings: dict[str, Any]
    device: str = ""
    milliseconds: float = math.nan
    passes: float = math.nan
    pictures: Sequence[Scored] = ()
    metrics: Sequence[dict[str, Any]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the p pictures that have scores."""
        return tuple(picture.name for picture in self.pictures if picture.has_scores)

    @property
    def skipped(self) -> dict[str, str]:
        """``{name: reason}``."""
        return {picture.name: picture.reason for picture in self.pictures if picture.reason}

    def rows(self, metric: Metric, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """What a metric has measured, ``{row: [p ...]}``, of pictures of these names or of all.

        Of one that has failed it is not to be asked.
        """
        found = self._block(metric)["rows"]
        if only is None:
            return {row.name: found[row.name] for row in metric.rows}
        chosen = [n for n, name in enumerate(self.names) if name in only]
        return {row.name: found[row.name][chosen] for row in metric.rows}

    def failed(self, metric: Metric) -> str:
        """Why a metric could not judge this contestant; "" where it could."""
        reason: str = self._block(metric)["failed"]
        return reason

    def _block(self, metric: Metric) -> dict[str, Any]:
        wanted = settings_of(metric)
        return next(block for block in self.metrics if block["settings"] == wanted)

    def write(self, workdir: Path, name: str) -> None:
        """Writes the file whole or not at all."""
        fields = {
            "settings": self.settings,
            "device": self.device,
            "milliseconds": _without_nan(self.milliseconds),
            "passes": _without_nan(self.passes),
            "pictures": [dataclasses.asdict(picture) for picture in self.pictures],
            "metrics": [
                {
                    "settings": block["settings"],
                    "rows": {row: _without_nan(v.tolist()) for row, v in block["rows"].items()},
                    "failed": block["failed"],
                }
                for block in self.metrics
            ],
        }
        write_whole(path(workdir, name), (json.dumps(fields) + "\n").encode())


def settings_of(metric: Metric) -> dict[str, Any]:
    """What tells a metric from others, for JSON: what it measures, and what it reads."""
    rows = [dataclasses.asdict(row) | {"axes": list(row.axes)} for row in metric.rows]
    return as_json({"measure": metric.measure, "rows": rows, "params": metric.params})


def path(workdir: Path, name: str) -> Path:
    """Where the record of a contestant lies."""
    return workdir / FOLDER / f"{name}.json"


def read(workdir: Path, name: str, settings: dict[str, Any]) -> Record:
    """The record of a contestant; an empty one where there is none.

    Raises:
        ValueError: it is of other settings, or no record.
    """
    file = path(workdir, name)
    if not file.exists():
        return Record(settings=settings)
    try:
        record = _of_json(json_file.read(file, dict, "remove it, and it is made anew"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"{file} is no record of scores; remove it, and it is made anew."
        ) from None
    if record.settings != settings:
        raise ValueError(
            f"{file} was scored with other settings: {in_words('', record.settings, settings)}; "
            "remove that file and the folder of its explanations, or choose another --workdir."
        )
    return record


def _of_json(fields: dict[str, Any]) -> Record:
    blocks = [
        {
            "settings": block["settings"],
            "rows": {row: np.array(values, np.float64) for row, values in block["rows"].items()},
            "failed": block.get("failed", ""),
        }
        for block in fields["metrics"]
    ]
    costs = {name: fields.get(name) for name in ("milliseconds", "passes")}
    return Record(
        **fields
        | {
            **{name: math.nan if cost is None else cost for name, cost in costs.items()},
            "pictures": tuple(Scored(**picture) for picture in fields["pictures"]),
            "metrics": blocks,
        }
    )


def _without_nan(values: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(values, list):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values
