"""One explained picture, and what the page says of it."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from xai_jax.core.outputs import CLASS_KEEP, KEEP, SALIENCY, TARGET, Output
from xai_jax.report import classes, panels, scores
from xai_jax.report.classes import Class, ClassMask
from xai_jax.report.others import Other
from xai_jax.report.scores import Scores
from xai_jax.report.wording import class_name
from xai_jax.runtime.summary import Row

IMAGES, PREDICTED, CLASS_LOG_ODDS = "images", "predicted", "class_log_odds"  # of every run's store
_STANDARD = {IMAGES, PREDICTED, CLASS_LOG_ODDS} | {
    output.name for output in (TARGET, SALIENCY, KEEP, CLASS_KEEP)
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One explained picture.

    Fields:
        name: its id, a file name.
        image: ``[h w c]`` uint8, as the classifier saw it.
        saliency: ``[h w 1]``, the larger the more the pixel speaks for the target.
        keep: ``[h w 1]`` in [0, 1], 1 = kept: the method's own mask; ``None`` where it draws none.
        target, target_name: the class that is explained.
        predicted, predicted_name: the class that the classifier sees in the whole picture.
        log_odds: of the target in the whole picture, nats; ``None`` where it is not known.
        likeliest: the most probable classes; empty where they are not known.
        scores: of its parts; ``None`` where they were not scored.
        classes: masks of single classes, for methods that draw them, in the order to show them.
        num_classes: how many there are, shown or not.
        others: all else that is said of it.
    """

    name: str
    image: np.ndarray
    saliency: np.ndarray
    keep: np.ndarray | None = None
    target: int | None
    target_name: str = ""
    predicted: int | None = None
    predicted_name: str = ""
    log_odds: float | None = None
    likeliest: Sequence[Class] = ()
    scores: Scores | None = None
    classes: Sequence[ClassMask] = ()
    num_classes: int = 0
    others: Sequence[Other] = ()

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
        """Whether map, mask and scores are numbers throughout."""
        keep_is_whole = self.keep is None or bool(np.isfinite(self.keep).all())
        scores_are_whole = self.scores is None or self.scores.is_finite
        return self.has_ranks and keep_is_whole and scores_are_whole

    @property
    def has_ranks(self) -> bool:
        """Whether its pixels can be ranked, so that levels mean something."""
        return bool(np.isfinite(self.saliency).all())

    def verdict(self) -> str:
        """What is to be said of it, in plain words; empty where its parts were not scored."""
        if not self.is_whole:
            return "The classifier or the method returned a value that is not a number here."
        if self.is_flat:
            levels = "" if self.scores is None else ", and the levels are arbitrary"
            return f"The map is flat: it prefers no pixel to another{levels}."
        return "" if self.scores is None else self.scores.verdict()


def of_row(
    row: Row,
    arrays: Mapping[str, np.ndarray],
    known: Mapping[str, Output],
    class_names: Sequence[str],
) -> Picture:
    """What a run has stored of one picture.

    Args:
        row: its summary, "done".
        arrays: ``{name: [...]}`` of this picture.
        known: the declaration of each.
        class_names: by index; empty where they are not known.
    """
    found = Scores.found(arrays)
    odds, class_keep = arrays.get(CLASS_LOG_ODDS), arrays.get(CLASS_KEEP.name)
    log_odds = None if odds is None or row.target is None else float(odds[row.target])
    masks: Sequence[ClassMask] = ()
    if class_keep is not None:
        masks = classes.shown(class_keep, odds, class_names, row.target)
    rest = arrays.keys() - viewed(arrays)
    return Picture(
        name=row.picture,
        image=arrays[IMAGES],
        saliency=arrays[SALIENCY.name],
        keep=arrays.get(KEEP.name),
        target=row.target,
        target_name=row.target_name,
        predicted=row.predicted,
        predicted_name=row.predicted_name,
        log_odds=log_odds if found is None else found.original,
        likeliest=() if odds is None else classes.likeliest(odds, class_names, row.target),
        scores=found,
        classes=masks,
        num_classes=0 if class_keep is None else class_keep.shape[-1],
        others=[Other(output=known[n], values=arrays[n]) for n in arrays if n in rest],
    )


def viewed(names: Mapping[str, object]) -> set[str]:
    """Those of a run's outputs that the page has a view of their own for."""
    seen = set(_STANDARD)
    if scores.are_among(names):
        seen |= scores.CURVES | (scores.OF_KEEP if KEEP.name in names else set())
    return seen & set(names)
