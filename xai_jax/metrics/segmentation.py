"""A mask against the true object: overlap, coverage and ranking, each picture by itself.

`keep` is the mask and `truth` the object, both ``[b h w 1]`` in [0, 1] with 1 inside; every metric
is ``[b]``, to be averaged over the pictures. Formulas of Stalder et al. 2022. Where a ratio is 0/0
it is 0, as in their tables for the empty mask.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from xai_jax.core.types import Maps, PerExample

Hard = Bool[Array, "b h w 1"]

_PIXELS = (1, 2, 3)
DECILES = tuple(n / 10 for n in range(1, 10))
QUARTERS = (0.25, 0.5, 0.75)


def without_nan(keep: Maps) -> Maps:
    """The mask, or all zeros for a picture whose mask has a NaN anywhere (the authors' rule)."""
    return jnp.where(jnp.isnan(keep).any(axis=_PIXELS, keepdims=True), 0.0, keep)


def accuracy(keep: Maps, truth: Maps) -> PerExample:
    """Mean of ``m g + (1 - m)(1 - g)``, in [0, 1]."""
    return (keep * truth + (1.0 - keep) * (1.0 - truth)).mean(axis=_PIXELS)


def overlap(keep: Maps, truth: Maps) -> PerExample:
    """One less the mean absolute error, in [0, 1]; `accuracy` where the truth is binary."""
    return 1.0 - jnp.abs(truth - keep).mean(axis=_PIXELS)


def soft_f1(keep: Maps, truth: Maps) -> PerExample:
    """F1 of the soft counts ``sum(m g)``, ``sum(m (1 - g))``, ``sum((1 - m) g)``; in [0, 1]."""
    return _f1(keep, truth)


def f1_at(keep: Maps, truth: Maps, threshold: float) -> PerExample:
    """F1 of the object's pixels with mask and truth both cut above `threshold`; in [0, 1]."""
    hard, true = _hard(keep, truth, threshold)
    return _f1(hard.astype(jnp.float32), true.astype(jnp.float32))


def mean_f1(keep: Maps, truth: Maps) -> PerExample:
    """Mean of `f1_at` 0.25, 0.5 and 0.75; in [0, 1]."""
    return _mean(f1_at, keep, truth, QUARTERS)


def f1_curve(keep: Maps, truth: Maps) -> Array:
    """`f1_at` 0.1, 0.2, ... 0.9: ``[b 9]`` in [0, 1]."""
    return jnp.stack([f1_at(keep, truth, threshold) for threshold in DECILES], axis=1)


def iou_at(keep: Maps, truth: Maps, threshold: float) -> PerExample:
    """Intersection over union with mask and truth both cut above `threshold`; in [0, 1]."""
    hard, true = _hard(keep, truth, threshold)
    return _ratio(_count(hard & true), _count(hard | true))


def mean_iou(keep: Maps, truth: Maps) -> PerExample:
    """Mean of `iou_at` 0.1, 0.2, ... 0.9; in [0, 1]."""
    return _mean(iou_at, keep, truth, DECILES)


def soft_iou(keep: Maps, truth: Maps) -> PerExample:
    """``sum(min(m, g)) / sum(max(m, g))``, in [0, 1]."""
    both, either = jnp.minimum(keep, truth), jnp.maximum(keep, truth)
    return _ratio(both.sum(axis=_PIXELS), either.sum(axis=_PIXELS))


def background_coverage(keep: Maps, truth: Maps) -> PerExample:
    """Share of the background that the mask covers, in [0, 1], lower is better; 0 without one."""
    outside = jnp.maximum(keep - truth, 0.0).mean(axis=_PIXELS)
    return _ratio(outside, (1.0 - truth).mean(axis=_PIXELS))


def object_coverage(keep: Maps, truth: Maps) -> PerExample:
    """Share of the object that the mask covers, in [0, 1]; 0 without an object."""
    missed = jnp.maximum(truth - keep, 0.0).mean(axis=_PIXELS)
    size = truth.mean(axis=_PIXELS)
    return jnp.where(size > 0, 1.0 - _ratio(missed, size), 0.0)


def similarity_ratio(keep: Maps, truth: Maps) -> PerExample:
    """``sum(m g) / (sum(m g) + sum((m - g)^2))``, in [0, 1]."""
    product = (keep * truth).sum(axis=_PIXELS)
    return _ratio(product, product + jnp.square(keep - truth).sum(axis=_PIXELS))


def auc(keep: Maps, truth: Maps) -> PerExample:
    """Chance that a pixel of the object (truth > 0) outranks one beside it, ties counting half.

    The area under the ROC curve, in [0, 1]. NaN where there is no object or nothing else: such
    pictures are left out of the mean. Counts are exact up to 2^24 pixels.
    """
    return jax.vmap(_auc)(keep.reshape(len(keep), -1), (truth > 0).reshape(len(truth), -1))  # [b]


def pointing(keep: Maps, truth: Maps) -> PerExample:
    """1 where the largest value of the mask is on the object (truth > 0.5), 0 where it is not.

    The pointing game (Zhang et al. 2018) without their margin; of equals the first in reading order
    counts. NaN where there is no object: such pictures are left out of the mean.
    """
    is_object = (truth > 0.5).reshape(len(truth), -1)  # [b hw]
    peak = jnp.argmax(keep.reshape(len(keep), -1), axis=1, keepdims=True)
    hit = jnp.take_along_axis(is_object, peak, axis=1)[:, 0].astype(jnp.float32)
    return jnp.where(is_object.any(axis=1), hit, jnp.nan)


def _auc(values, is_object):
    others = jnp.sort(jnp.where(is_object, jnp.inf, values))
    num_objects, num_others = _total(is_object), _total(~is_object)
    below = jnp.searchsorted(others, values, side="left").astype(jnp.float32)
    through = jnp.searchsorted(others, values, side="right").astype(jnp.float32)
    # Each share is in [0, 1], so that their mean is exact to rounding; sums of ranks are not.
    shares = jnp.where(is_object, 0.5 * (below + through) / num_others, 0.0)
    undefined = (num_objects == 0) | (num_others == 0)
    return jnp.where(undefined, jnp.nan, shares.sum() / num_objects)


def _total(chosen):
    return chosen.sum().astype(jnp.float32)


def _f1(keep: Maps, truth: Maps) -> PerExample:
    """``2 TP / (2 TP + FP + FN)``, which is ``2 TP / (sum(m) + sum(g))``."""
    size = keep.sum(axis=_PIXELS) + truth.sum(axis=_PIXELS)
    return _ratio(2.0 * (keep * truth).sum(axis=_PIXELS), size)


def _hard(keep: Maps, truth: Maps, threshold: float) -> tuple[Hard, Hard]:
    return keep > threshold, truth > threshold


def _count(chosen: Hard) -> PerExample:
    return chosen.sum(axis=_PIXELS).astype(jnp.float32)


def _ratio(part: PerExample, whole: PerExample) -> PerExample:
    """``part / whole``; 0 where `whole` is 0."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), 0.0)


def _mean(metric, keep: Maps, truth: Maps, thresholds: tuple[float, ...]) -> PerExample:
    return sum(metric(keep, truth, threshold) for threshold in thresholds) / len(thresholds)
