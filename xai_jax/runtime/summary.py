"""One line a picture: what was explained, and how much of the picture decides it."""

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from xai_jax.core.domains import Natural, Real
from xai_jax.core.settings import Settings
from xai_jax.runtime import spreadsheet
from xai_jax.runtime.files import write_whole

NAME = "summary.csv"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row(Settings):
    """The summary of one picture; a skipped one has no target and no numbers.

    Fields:
        picture: its id.
        digest: of the content that it was read from.
        status: "done", or "skipped" for a picture that could not be read or explained.
        reason: why it was skipped, one sentence.
        target, target_name: the class that is explained.
        predicted, predicted_name: the class that the classifier sees in the whole picture.
        numbers: ``{name: number}``, every output that is one number a picture; ``None`` where it is
            not defined.
    """

    picture: str
    digest: str
    status: Literal["done", "skipped"]
    reason: str = ""
    target: Natural | None = None
    target_name: str = ""
    predicted: Natural | None = None
    predicted_name: str = ""
    numbers: Mapping[str, Real | None] = dataclasses.field(default_factory=dict)

    @classmethod
    def skipped(cls, picture: str, digest: str, reason: str) -> "Row":
        """A picture that could not be read or explained."""
        return cls(picture=picture, digest=digest, status="skipped", reason=reason)


def write_csv(folder: Path, rows: Sequence[Row]) -> None:
    """Writes ``summary.csv`` with one line a picture, in the order of the manifest."""
    text = io.StringIO()
    numbers = list(dict.fromkeys(name for row in rows for name in row.numbers))
    fixed = [f.name for f in dataclasses.fields(Row) if f.name not in {"numbers", "digest"}]
    writer = csv.DictWriter(text, [*fixed, *numbers], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: getattr(row, name) for name in fixed} | dict(row.numbers)
        writer.writerow({name: spreadsheet.cell(value) for name, value in cells.items()})
    # File names that are no UTF-8 travel as surrogates.
    write_whole(folder / NAME, text.getvalue().encode(errors="surrogateescape"))
