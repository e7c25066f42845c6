"""One explained picture, and what the page says of it."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from xai_jax.core.areas import AREAS, smallest_sufficient
from xai_jax.report import panels
from xai_jax.report.charts import Chart, chart
from xai_jax.report.classes import ClassMask
from xai_jax.report.wording import class_name, percent, probability, signed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One explained picture.

    Fields:
        name: its id, a file name.
        image: ``[h w c]`` uint8, as the classifier saw it.
        keep: ``[h w 1]`` in [0, 1], 1 = kept: the method's own mask.
        saliency: ``[h w 1]``, the larger the more the pixel speaks for the target.
        target, target_name: the class that is explained.
        predicted, predicted_name: the class that the classifier sees in the whole picture.
        log_odds: ``{"original", "kept", "removed"}`` of the target in nats, with the method's mask.
        curve: ``{"kept", "removed": [n]}`` in nats, with each share of `core.areas.AREAS`.
        trace: ``{name: [t]}``, what the optimisation logged.
        classes: masks of single classes, for methods that draw them, in the order to show them.
        num_classes: how many there are, shown or not.
    """

    name: str
    image: np.ndarray
    keep: np.ndarray
    saliency: np.ndarray
    target: int | None
    target_name: str = ""
    predicted: int | None = None
    predicted_name: str = ""
    log_odds: Mapping[str, float]
    curve: Mapping[str, np.ndarray]
    trace: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    classes: Sequence[ClassMask] = ()
    num_classes: int = 0

    @property
    def target_words(self) -> str:
        """The explained class as people call it."""
        return class_name(self.target, self.target_name)

    @property
    def predicted_words(self) -> str:
        """The predicted class as people call it; empty where it is not known."""
        return "" if self.predicted is None else class_name(self.predicted, self.predicted_name)

    @property
    def predicts_another(self) -> bool:
        """Whether the classifier sees another class than the one that is explained."""
        return self.predicted is not None and self.predicted != self.target

    @property
    def is_flat(self) -> bool:
        """Whether the map says nothing: it is the same everywhere."""
        return panels.display_range(self.saliency) is None

    @property
    def is_whole(self) -> bool:
        """Whether map and scores are numbers throughout."""
        scores = [*self.log_odds.values(), *self.curve["kept"], *self.curve["removed"]]
        return self.has_levels and bool(
            np.isfinite(self.keep).all() and np.isfinite(np.array(scores)).all()
        )

    @property
    def has_levels(self) -> bool:
        """Whether its pixels can be ranked, so that levels mean something."""
        return bool(np.isfinite(self.saliency).all())

    @property
    def sufficient_level(self) -> int | None:
        """Level of the smallest share that keeps the decision."""
        return smallest_sufficient(self.curve["kept"], self.log_odds["original"])

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
        return float(self.log_odds["original"] - self.curve["removed"][self.start_level])

    def curve_chart(self) -> Chart | None:
        """The curves, with even odds and the whole picture's log-odds inside the plot."""
        return chart(dict(self.curve), also=(0.0, self.log_odds["original"]))

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
        """What the picture's curve says, in plain words."""
        level, share = self.start_level, percent(AREAS[self.start_level])
        whole = probability(self.log_odds["original"])
        alone = probability(float(self.curve["kept"][level]))
        left = probability(float(self.curve["removed"][level]))
        if not self.is_whole:
            return "The classifier or the method returned a value that is not a number here."
        if self.is_flat:
            return "The map is flat: it prefers no pixel to another, and the levels are arbitrary."
        if self.sufficient_level is None:
            return (
                "None of the 20 shares keeps the decision. "
                f"Shown is the best: {share} of the pixels, alone {alone} (whole picture {whole})."
            )
        if level == len(AREAS) - 1:
            return f"Only the whole picture keeps the decision ({whole}); no smaller share does."
        if self.log_odds["original"] < 0:
            return (
                f"The classifier doubts this class: {whole} in the whole picture. "
                f"{share} of the pixels, alone, give it {alone}; without them it has {left}."
            )
        return (
            f"{share} of the pixels are enough: alone they give {alone}, the whole picture "
            f"{whole}. Without them {left} is left."
        )
