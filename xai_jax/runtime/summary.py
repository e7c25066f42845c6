"""One line a picture: what was explained, and how much of the picture decides it."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from xai_jax.runtime.files import write_whole

NAME = "summary.csv"
BATCHES = "batches"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """The summary of one picture; a skipped one has only `picture`, `status` and `reason`.

    Fields:
        picture: its id.
        status: "done", or "skipped" for a picture that could not be read.
        reason: why it was skipped, one sentence.
        target, target_name: the class that is explained.
        predicted, predicted_name: the class that the classifier sees in the whole picture.
        log_odds_original, log_odds_kept, log_odds_removed: of the target in nats: in the picture,
            in the kept part alone, and in what is left without it.
        kept_area: mean of `keep`, in [0, 1].
        sufficient_area: smallest of `core.areas.AREAS` whose most salient pixels keep the decision
            by themselves; ``None`` if none does. See `core.areas.smallest_sufficient`.
    """

    picture: str
    status: Literal["done", "skipped"]
    reason: str = ""
    target: int | None = None
    target_name: str = ""
    predicted: int | None = None
    predicted_name: str = ""
    log_odds_original: float | None = None
    log_odds_kept: float | None = None
    log_odds_removed: float | None = None
    kept_area: float | None = None
    sufficient_area: float | None = None

    @classmethod
    def skipped(cls, picture: str, reason: str) -> "Row":
        """A picture that could not be read."""
        return cls(picture=picture, status="skipped", reason=reason)


def write_batch(folder: Path, batch: int, rows: Sequence[Row]) -> None:
    """Writes ``batches/NNNNNN.json``, the sign that a batch is done: last of all that it writes."""
    lines = [json.dumps(dataclasses.asdict(row)) for row in rows]
    write_whole(_path(folder, batch), ("[\n" + ",\n".join(lines) + "\n]\n").encode())


def is_done(folder: Path, batch: int) -> bool:
    """Whether a batch is on the disk, whole."""
    return _path(folder, batch).is_file()


def read_batch(folder: Path, batch: int) -> list[Row]:
    """The rows of a batch that is done."""
    return [Row(**fields) for fields in json.loads(_path(folder, batch).read_text())]


def write_csv(folder: Path, rows: Iterable[Row]) -> None:
    """Writes ``summary.csv`` with one line a picture, in the order of the manifest."""
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(Row)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(row) for row in rows)
    # File names that are no UTF-8 travel as surrogates.
    write_whole(folder / NAME, text.getvalue().encode(errors="surrogateescape"))


def _path(folder: Path, batch: int) -> Path:
    return folder / BATCHES / f"{batch:06d}.json"
