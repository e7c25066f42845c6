"""A mask against the true object: overlap, coverage and ranking, each picture by itself.

`keep` is the mask and `truth` the object, both ``[b h w 1]`` in [0, 1] with 1 inside; every metric
is ``[b]``, to be averaged over the pictures. Formulas of Stalder et al. 2022. Where a ratio is 0/0
it is 0, as in their tables for the empty mask.

`counted` ``[b h w 1]`` in [0, 1] is how much of a pixel counts: each pixel enters every sum with
that weight, so that 0 is as if it were not there. ``None``: all pixels count. A picture of which
nothing counts scores NaN, and is left out of the mean.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from xai_jax.core.types import Maps, PerExample

Hard = Bool[Array, "b h w 1"]
Flat = Float[Array, "b n"]
Flags = Bool[Array, "b n"]

_PIXELS = (1, 2, 3)
DECILES = tuple(n / 10 for n in range(1, 10))
QUARTERS = (0.25, 0.5, 0.75)


def without_nan(keep: Maps) -> Maps:
    """The mask, or all zeros for a picture whose mask has a NaN anywhere (the authors' rule)."""
    return jnp.where(jnp.isnan(keep).any(axis=_PIXELS, keepdims=True), 0.0, keep)


def accuracy(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Mean of ``m g + (1 - m)(1 - g)``, in [0, 1]."""
    return _mean(keep * truth + (1.0 - keep) * (1.0 - truth), counted)


def overlap(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """One less the mean absolute error, in [0, 1]; `accuracy` where the truth is binary."""
    return 1.0 - _mean(jnp.abs(truth - keep), counted)


def soft_f1(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """F1 of the soft counts ``sum(m g)``, ``sum(m (1 - g))``, ``sum((1 - m) g)``; in [0, 1]."""
    return _f1(keep, truth, counted)


def f1_at(keep: Maps, truth: Maps, threshold: float, counted: Maps | None = None) -> PerExample:
    """F1 of the object's pixels with mask and truth both cut above `threshold`; in [0, 1]."""
    hard, true = _hard(keep, truth, threshold)
    return _f1(hard.astype(jnp.float32), true.astype(jnp.float32), counted)


def mean_f1(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Mean of `f1_at` 0.25, 0.5 and 0.75; in [0, 1]."""
    return _over(f1_at, keep, truth, QUARTERS, counted)


def f1_curve(keep: Maps, truth: Maps, counted: Maps | None = None) -> Array:
    """`f1_at` 0.1, 0.2, ... 0.9: ``[b 9]`` in [0, 1]."""
    return jnp.stack([f1_at(keep, truth, threshold, counted) for threshold in DECILES], axis=1)


def iou_at(keep: Maps, truth: Maps, threshold: float, counted: Maps | None = None) -> PerExample:
    """Intersection over union with mask and truth both cut above `threshold`; in [0, 1]."""
    hard, true = _hard(keep, truth, threshold)
    both, either = (chosen.astype(jnp.float32) for chosen in (hard & true, hard | true))
    return _ratio(_sum(both, counted), _sum(either, counted))


def mean_iou(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Mean of `iou_at` 0.1, 0.2, ... 0.9; in [0, 1]."""
    return _over(iou_at, keep, truth, DECILES, counted)


def soft_iou(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """``sum(min(m, g)) / sum(max(m, g))``, in [0, 1]."""
    both, either = jnp.minimum(keep, truth), jnp.maximum(keep, truth)
    return _ratio(_sum(both, counted), _sum(either, counted))


def background_coverage(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Share of the background that the mask covers, in [0, 1], lower is better; 0 without one."""
    outside = _mean(jnp.maximum(keep - truth, 0.0), counted)
    return _ratio(outside, _mean(1.0 - truth, counted))


def object_coverage(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Share of the object that the mask covers, in [0, 1]; 0 without an object."""
    missed = _mean(jnp.maximum(truth - keep, 0.0), counted)
    size = _mean(truth, counted)
    return jnp.where(size <= 0, 0.0, 1.0 - _ratio(missed, size))


def similarity_ratio(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """``sum(m g) / (sum(m g) + sum((m - g)^2))``, in [0, 1]."""
    product = _sum(keep * truth, counted)
    return _ratio(product, product + _sum(jnp.square(keep - truth), counted))


def auc(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """Chance that a pixel of the object (truth > 0) outranks one beside it, ties counting half.

    The area under the ROC curve, in [0, 1]. NaN where there is no object or nothing else: such
    pictures are left out of the mean. Counts are exact up to 2^24 pixels.
    """
    weight = jnp.ones_like(keep) if counted is None else counted
    flat = [x.reshape(len(x), -1) for x in (keep, truth > 0, weight)]  # [b hw] each
    if counted is not None:
        return _auc(*_by_value(*flat))
    return jax.lax.cond(
        (keep >= 0).all(),
        _auc_without_sign,
        lambda *flat: _auc(*_by_value(*flat)),
        *flat,
    )


def pointing(keep: Maps, truth: Maps, counted: Maps | None = None) -> PerExample:
    """1 where the largest value of the mask is on the object (truth > 0.5), 0 where it is not.

    The pointing game (Zhang et al. 2018) without their margin; of equals the first in reading order
    counts. Pixels that count at all count whole. NaN where there is no object: such pictures are
    left out of the mean.
    """
    is_object = truth > 0.5
    if counted is not None:
        keep = jnp.where(counted > 0, keep, -jnp.inf)
        is_object &= counted > 0
    is_object = is_object.reshape(len(truth), -1)  # [b hw]
    peak = jnp.argmax(keep.reshape(len(keep), -1), axis=1, keepdims=True)
    hit = jnp.take_along_axis(is_object, peak, axis=1)[:, 0].astype(jnp.float32)
    return jnp.where(is_object.any(axis=1), hit, jnp.nan)


def _auc(starts: Flags, is_object: Flags, weight: Flat) -> PerExample:
    """Of pixels by value, of equals those of the object last; `starts`: no equal is before it."""
    others = jnp.where(is_object, 0.0, weight)
    through = jnp.cumsum(others, axis=1)
    before = jnp.pad(through[:, :-1], ((0, 0), (1, 0)))
    below = jax.lax.cummax(jnp.where(starts, before, 0.0), axis=1)
    num_objects, num_others = jnp.where(is_object, weight, 0.0).sum(axis=1), through[:, -1]
    # Each share is in [0, 1], so that their mean is exact to rounding; sums of ranks are not.
    shares = weight * (0.5 * (below + through) / num_others[:, None])
    found = jnp.where(is_object, shares, 0.0).sum(axis=1) / num_objects
    return jnp.where((num_objects == 0) | (num_others == 0), jnp.nan, found)


def _auc_without_sign(values: Flat, is_object: Flags, ones: Flat) -> PerExample:
    """What has no sign has 31 bits: with the pixel's side one number, which sorts much faster.

    In two halves, for XLA sorts an array on one core of a CPU, and two arrays on two.
    """

    def of_half(values, is_object, ones):
        bits = jax.lax.bitcast_convert_type(values + 0.0, jnp.uint32)  # of -0 as of 0
        ordered = jnp.sort(2 * bits + is_object, axis=1)
        return _auc(_starts(ordered >> 1), ordered % 2 == 1, ones)

    halves = zip(*(jnp.array_split(x, 2) for x in (values, is_object, ones)), strict=True)
    return jnp.concatenate([of_half(*half) for half in halves])


def _by_value(values: Flat, is_object: Flags, weight: Flat) -> tuple[Flags, Flags, Flat]:
    """What `_auc` takes."""
    operands = values, is_object, weight
    values, is_object, weight = jax.lax.sort(operands, dimension=1, num_keys=2)
    return _starts(values), is_object, weight


def _starts(ordered: Array) -> Flags:
    is_new = ordered[:, 1:] != ordered[:, :-1]
    return jnp.pad(is_new, ((0, 0), (1, 0)), constant_values=True)


def _f1(keep: Maps, truth: Maps, counted: Maps | None) -> PerExample:
    """``2 TP / (2 TP + FP + FN)``, which is ``2 TP / (sum(m) + sum(g))``."""
    size = _sum(keep, counted) + _sum(truth, counted)
    return _ratio(2.0 * _sum(keep * truth, counted), size)


def _hard(keep: Maps, truth: Maps, threshold: float) -> tuple[Hard, Hard]:
    return keep > threshold, truth > threshold


def _sum(values: Maps, counted: Maps | None) -> PerExample:
    """Over the pixels that count; NaN where none does."""
    if counted is None:
        return values.sum(axis=_PIXELS)
    found = (counted * values).sum(axis=_PIXELS)
    return jnp.where(counted.sum(axis=_PIXELS) > 0, found, jnp.nan)


def _mean(values: Maps, counted: Maps | None) -> PerExample:
    """Over the pixels that count; NaN where none does."""
    if counted is None:
        return values.mean(axis=_PIXELS)
    return _sum(values, counted) / counted.sum(axis=_PIXELS)


def _ratio(part: PerExample, whole: PerExample) -> PerExample:
    """``part / whole``; 0 where `whole` is 0, NaN where it is NaN."""
    return jnp.where(whole <= 0, 0.0, part / jnp.where(whole <= 0, 1.0, whole))


def _over(
    metric, keep: Maps, truth: Maps, thresholds: tuple[float, ...], counted: Maps | None
) -> PerExample:
    """Mean of `metric` at each threshold."""
    found = (metric(keep, truth, threshold, counted) for threshold in thresholds)
    return sum(found) / len(thresholds)
