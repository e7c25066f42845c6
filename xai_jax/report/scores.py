"""What the classifier says of a picture's kept and removed parts, and how the page tells it."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from xai_jax.core.areas import AREAS, level_of
from xai_jax.report.charts import Chart, chart
from xai_jax.report.wording import percent, probability, signed

CURVES = frozenset({"log_odds_original", "curve_kept", "curve_removed", "sufficient_area"})
OF_KEEP = frozenset({"log_odds_kept", "log_odds_removed", "kept_area"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scores:
    """Log-odds of the target in nats.

    Fields:
        original: in the whole picture.
        curve: ``{"kept", "removed": [n]}``, with each share of `core.areas.AREAS`.
        sufficient_area: the smallest share that keeps the decision; NaN: none does.
        of_keep: ``{"kept", "removed"}``, with the method's own mask; empty where it was not scored.
    """

    original: float
    curve: Mapping[str, np.ndarray]
    sufficient_area: float
    of_keep: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def found(cls, arrays: Mapping[str, np.ndarray]) -> "Scores | None":
        """Those among one picture's arrays; ``None`` where its parts were not scored."""
        if not are_among(arrays):
            return None
        parts = ("kept", "removed")
        of_keep = (
            {p: float(arrays[f"log_odds_{p}"]) for p in parts} if arrays.keys() >= OF_KEEP else {}
        )
        return cls(
            original=float(arrays["log_odds_original"]),
            curve={part: arrays[f"curve_{part}"] for part in parts},
            sufficient_area=float(arrays["sufficient_area"]),
            of_keep=of_keep,
        )

    @property
    def is_finite(self) -> bool:
        """Whether they are numbers throughout."""
        numbers = [
            self.original,
            *self.of_keep.values(),
            *self.curve["kept"],
            *self.curve["removed"],
        ]
        return bool(np.isfinite(np.array(numbers)).all())

    @property
    def sufficient_level(self) -> int | None:
        """Level of the smallest share that keeps the decision."""
        return level_of(self.sufficient_area)

    @property
    def start_level(self) -> int:
        """The level that the page shows first: the sufficient one, or else the best kept one."""
        if self.sufficient_level is not None:
            return self.sufficient_level
        scores = np.where(np.isfinite(self.curve["kept"]), self.curve["kept"], -np.inf)
        return int(np.argmax(scores))

    @property
    def drop(self) -> float:
        """Log-odds that are lost when the pixels of `start_level` are removed, in nats."""
        return float(self.original - self.curve["removed"][self.start_level])

    def curve_chart(self) -> Chart | None:
        """The curves, with even odds and the whole picture's log-odds inside the plot."""
        return chart(dict(self.curve), also=(0.0, self.original))

    def level_words(self) -> list[dict[str, str | float | None]]:
        """What the page shows at each level: share, log-odds, probabilities, places in the plot."""
        plot = self.curve_chart()
        rows: list[dict[str, str | float | None]] = []
        for level, share in enumerate(AREAS):
            row: dict[str, str | float | None] = {"area": percent(share)}
            for part in ("kept", "removed"):
                value = float(self.curve[part][level])
                row[part] = signed(value)
                row[f"{part}_probability"] = probability(value)
                row[f"{part}_place"] = None if plot is None else plot.place(value)
            rows.append(row)
        return rows

    def verdict(self) -> str:
        """What the curves say, in plain words."""
        level, share = self.start_level, percent(AREAS[self.start_level])
        whole = probability(self.original)
        alone = probability(float(self.curve["kept"][level]))
        left = probability(float(self.curve["removed"][level]))
        if self.sufficient_level is None:
            return (
                "None of the 20 shares keeps the decision. "
                f"Shown is the best: {share} of the pixels, alone {alone} (whole picture {whole})."
            )
        if level == len(AREAS) - 1:
            return f"Only the whole picture keeps the decision ({whole}); no smaller share does."
        if self.original < 0:
            return (
                f"The classifier doubts this class: {whole} in the whole picture. "
                f"{share} of the pixels, alone, give it {alone}; without them it has {left}."
            )
        return (
            f"{share} of the pixels are enough: alone they give {alone}, the whole picture "
            f"{whole}. Without them {left} is left."
        )


def are_among(names: Iterable[str]) -> bool:
    """Whether a run with these outputs has scored the parts of its pictures."""
    return set(names) >= CURVES
