"""Evaluation: what is scored against what, which a config file constructs."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from xai_jax.core.domains import Count, Natural, Seed
from xai_jax.core.image import unit_range
from xai_jax.core.method import Builds, Explained, Method
from xai_jax.core.metric import Metric
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Explanation
from xai_jax.metrics.parts import convincing, parts
from xai_jax.metrics.specificity import specificity
from xai_jax.metrics.truth import coverage, hits, overlap
from xai_jax.scoring.trivial import Trivial

# Explanation -> masks in [0, 1], 1 inside: of the target, [b h w 1], or of each class, [b h w k].
ReadMask = Callable[[Explanation], AnyArray]


def kept(explanation: Explanation) -> AnyArray:
    """What the method keeps: of every class where it draws all of them at once, else of the target.

    For masks that are in [0, 1] by their making: NN-Explainer, RTIS, Extremal Perturbations, and
    FIDO's probability of being kept.

    Raises:
        ValueError: the method cuts nothing out.
    """
    mask = explanation.keep if explanation.class_keep is None else explanation.class_keep
    if mask is None:
        raise ValueError(
            "A method that only ranks pixels has no mask; set the contestant's mask to "
            "stretched_saliency."
        )
    return mask


def stretched_saliency(explanation: Explanation) -> AnyArray:
    """The saliency of the target between its own extremes, 0 where it is flat.

    For maps without a scale of their own: gradients, Grad-CAM, RISE.
    """
    return unit_range(explanation.saliency)


def positive_saliency(explanation: Explanation) -> AnyArray:
    """The evidence for the target, as a share of its largest; 0 where there is none.

    For maps in which 0 is no evidence and less than 0 evidence against, where it counts how much
    lies where: Focus, energy pointing.
    """
    positive = jnp.maximum(explanation.saliency, 0.0)
    most = positive.max(axis=(1, 2, 3), keepdims=True)
    return positive / jnp.where(most > 0, most, 1.0)


def kept_or_stretched(explanation: Explanation) -> AnyArray:
    """`kept`, or `stretched_saliency` of a method that only ranks pixels."""
    only_ranks = explanation.keep is None and explanation.class_keep is None
    return stretched_saliency(explanation) if only_ranks else kept(explanation)


@dataclasses.dataclass(slots=True, kw_only=True)
class Contestant(Settings):
    """One row of the table: a method, and which of its maps is judged.

    Fields:
        method: its settings.
        mask: makes the masks of what the method says.
        stretched: the maximum of the masks over the picture's classes is stretched to [0, 1], and
            so is each mask that class specificity compares; as Stalder et al. 2022 score Extremal
            Perturbations, whose blurred masks of 5 % peak at 0.63.
        trained: the file (or the run's folder) that its training has exported; empty for a method
            that learns nothing across images.
        num_pictures: only the first so many pictures; ``None``: all.
        num_specific: only the first so many of these for class specificity, which takes the mask of
            every compared class (each a call for a method that explains one class at a time) and
            nine classifier calls a mask; 0: that column stays empty; ``None``: all.
    """

    method: Builds[Method]
    mask: ReadMask = kept
    stretched: bool = False
    trained: str = ""
    num_pictures: Count | None = None
    num_specific: Natural | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Evaluation(Settings):
    """Who is compared, on what.

    Fields:
        explained: the classifier and the infill that every method reads.
        data: pictures with labels and masks, "soft" or "union": a `data.pipeline.Pipeline`, or what
            answers alike (`scoring.stage.Data`). Its rows are scored as they are, none varied.
            Pictures without a true class are left out of the scores of masks.
        batch_size: rows of a batch; the scores do not depend on it, the memory does.
        contestants: by the name of the row. The constant masks and the truth come by themselves.
        classes: indices of the classes whose masks are compared for class specificity; empty: none.
        metrics: what is scored beside `standard`.
        truth: whether people drew masks of the data. Without them nothing is compared with a truth,
            and no row comes by itself.
        absent: also pictures without a true class are explained and scored, for the first class:
            where a class and its absence are the two decisions.
        seed: of the methods' randomness.
        resamples: of the bootstrap that gives intervals and compares the methods in pairs; 0: none.
        group_of: of a picture's name, whose it is: the bootstrap draws whole groups, a patient with
            all slices, say. ``None``: each picture is drawn by itself.
        trivial: what the classifier's AUC is printed beside; ``None``: nothing.
    """

    explained: Explained
    data: Any
    batch_size: Count
    contestants: Mapping[str, Contestant]
    classes: tuple[Natural, ...] = ()
    metrics: tuple[Metric, ...] = ()
    truth: bool = True
    absent: bool = False
    seed: Seed = 0
    resamples: Natural = 0
    group_of: Callable[[str], str] | None = None
    trivial: Trivial | None = None


def standard(classes: tuple[int, ...] = (), truth: bool = True) -> tuple[Metric, ...]:
    """The columns of every table; those of class specificity where classes are compared.

    Args:
        classes: that are compared.
        truth: whether there are masks to compare with.
    """
    compared = (specificity(classes),) if classes else ()
    if not truth:
        return (convincing(), parts(), *compared)
    return (overlap(), convincing(), coverage(), hits(), parts(), *compared)
