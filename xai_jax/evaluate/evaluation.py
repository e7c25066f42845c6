"""Evaluation: what is scored against what, which a config file constructs."""

import dataclasses
from collections.abc import Callable, Mapping

from jaxtyping import Array, Float

from xai_jax.core.domains import Count, Natural, Seed
from xai_jax.core.image import unit_range
from xai_jax.core.method import Frozen
from xai_jax.core.settings import Settings
from xai_jax.core.types import Explanation
from xai_jax.experiment import Builds, BuildsClassifier, BuildsInfill, Source

# Explanation -> masks in [0, 1], 1 inside: of the target, [b h w 1], or of each class, [b h w k].
ReadMask = Callable[[Explanation], Float[Array, "b h w n"]]


def kept(explanation: Explanation) -> Float[Array, "b h w n"]:
    """What the method keeps: of every class where it draws all of them at once, else of the target.

    For masks that are in [0, 1] by their making: NN-Explainer, RTIS, Extremal Perturbations, and
    FIDO's probability of being kept.
    """
    return explanation.keep if explanation.class_keep is None else explanation.class_keep


def stretched_saliency(explanation: Explanation) -> Float[Array, "b h w 1"]:
    """The saliency of the target between its own extremes, 0 where it is flat.

    For maps without a scale of their own: gradients, Grad-CAM, RISE.
    """
    return unit_range(explanation.saliency)


@dataclasses.dataclass(slots=True, kw_only=True)
class Contestant(Settings):
    """One row of the table: a method, and which of its maps is judged.

    Fields:
        method: its settings.
        mask: makes the masks of what the method says.
        trained: the file (or the run's folder) that its training has exported; empty for a method
            that learns nothing across images.
        num_pictures: only the first so many pictures; ``None``: all.
        num_specific: only the first so many of these for class specificity, which takes the mask of
            every compared class (each a call for a method that explains one class at a time) and
            nine classifier calls a mask; 0: that column stays empty; ``None``: all.
    """

    method: Builds
    mask: ReadMask = kept
    trained: str = ""
    num_pictures: Count | None = None
    num_specific: Natural | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Evaluation(Settings):
    """Who is compared, on what.

    Fields:
        classifier, infill: settings of what every method reads.
        data: pictures with labels and masks, "soft" or "union"; its stream ends. Pictures without a
            true class are left out of the scores of masks.
        batch_size: rows of a batch; the scores do not depend on it, the memory does.
        contestants: by the name of the row. The constant masks and the truth come by themselves.
        classes: indices of the classes whose masks are compared for class specificity; empty: none.
        seed: of the methods' randomness.
    """

    classifier: BuildsClassifier
    infill: BuildsInfill
    data: Source
    batch_size: Count
    contestants: Mapping[str, Contestant]
    classes: tuple[Natural, ...] = ()
    seed: Seed = 0

    def frozen(self) -> Frozen:
        """What every method reads."""
        classifier = self.classifier.build()
        return Frozen(classifier=classifier, infill=self.infill.build(classifier))
