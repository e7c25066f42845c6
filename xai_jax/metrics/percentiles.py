"""A map against the true object as SyCE's authors score it: by its strongest pixels, unscaled."""

import dataclasses

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.domains import NotNegative
from xai_jax.core.image import gaussian_blur, unit_range
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.settings import coerced
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey, PyTree
from xai_jax.losses.masks import brightest
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.truth import true_mask

_LEAST = float(jnp.finfo(jnp.float32).tiny)
_PIXELS = (1, 2, 3)


def strongest(percentiles: tuple[float, ...] = (90.0, 95.0, 98.0), blur: float = 0.0) -> Metric:
    """IoU of the strongest pixels with the object, and the correlation of map and object.

    Of `Explanation.saliency`, whose scale does not matter. Pixels of which no more than half counts
    (`Batch.counted`) are as if they were not there. Specs: generative, sec. 6.1.

    Args:
        percentiles: from which on a pixel is strong, each a column of its own.
        blur: standard deviation in pixels of a Gaussian by which every map is blurred first, in
            columns of their own: maps that speckle overlap with little, wherever they lie.

    Raises:
        ValueError: a percentile is not in [0, 100], or `blur` is below 0 or not finite.
    """
    blur = coerced(NotNegative, blur, "strongest: blur")
    if not all(0 <= one <= 100 for one in percentiles):
        raise ValueError(f"percentiles must be in [0, 100], not {percentiles}.")
    own, said = ("_blurred", f", blurred by {blur:g}") if blur else ("", "")
    shares = tuple(f"iou_{one:g}{own}".replace(".", "_") for one in percentiles)
    same_area, pearson = f"iou_equal{own}", f"ncc{own}"
    columns = (
        *(
            Column(name, f"IoU at {one:g} %{said}", "higher", 0.0, 1.0, "", _PAPER)
            for name, one in zip(shares, percentiles, strict=True)
        ),
        Column(same_area, f"IoU, equal area{said}", "higher", 0.0, 1.0, "", _PAPER),
        Column(pearson, f"NCC{said}", "higher", -1.0, 1.0, "", _PEARSON),
    )
    equal = f"IoU of as many pixels as the object has. {_NAN}"
    rows = (
        *(
            outputs.number(name, _SHARE, f"IoU of the pixels from that percentile on. {_NAN}")
            for name in shares
        ),
        outputs.number(same_area, _SHARE, equal),
        outputs.number(pearson, "in [-1, 1]", f"Correlation of map and object. {_NAN}"),
    )
    names = *shares, same_area, pearson
    measure = _Strongest(percentiles=tuple(percentiles), names=names, blur=blur)
    return Metric(measure=measure, rows=rows, columns=columns, ranks=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Strongest:
    percentiles: tuple[float, ...]
    names: tuple[str, ...]
    blur: float

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, frozen, key
        maps, truth = without_nan(explanation.saliency), true_mask(batch)
        maps = gaussian_blur(maps, self.blur, padding="symmetric")
        counted = jnp.ones_like(truth) if batch.counted is None else batch.counted
        counted = (counted > 0.5).astype(jnp.float32)
        truth = (truth > 0.5) * counted
        found = [iou_from(maps, truth, counted, one) for one in self.percentiles]
        found += [iou_of_equal_area(maps, truth, counted), correlation(maps, truth, counted)]
        there = truth.sum(_PIXELS) > 0
        rows = (jnp.where(there, value, jnp.nan) for value in found)
        return dict(zip(self.names, rows, strict=True))


def iou_from(maps: Maps, truth: Maps, counted: Maps, percentile: float) -> PerExample:
    """IoU of the pixels at or above a percentile of the map with the object, ``[b]`` in [0, 1].

    Of a map that is flat from there on, that is more pixels than the percentile says: all of them,
    where it is flat everywhere.

    Args:
        maps: without NaN.
        truth: 0 or 1, within `counted`.
        counted: 0 or 1: the percentile, too, is that of the pixels that count.
        percentile: in [0, 100].
    """
    those = jnp.where(counted > 0, maps, jnp.nan)
    least = jnp.nanpercentile(those, percentile, axis=_PIXELS, keepdims=True)
    chosen = (those >= least).astype(jnp.float32)
    return _iou((chosen * truth).sum(_PIXELS), chosen.sum(_PIXELS), truth.sum(_PIXELS))


def iou_of_equal_area(maps: Maps, truth: Maps, counted: Maps) -> PerExample:
    """IoU of as many of the strongest pixels as the object has, ``[b]`` in [0, 1].

    Equal values at the limit share the places that are left, so that a flat map has the IoU that is
    expected of a random choice. Arguments as of `iou_from`.
    """
    size = truth.sum(_PIXELS)
    lowest = jnp.where(counted > 0, maps, jnp.inf).min(_PIXELS, keepdims=True)
    # What does not count ranks behind all that does, and does not stretch the range.
    stretched = jnp.maximum(unit_range(jnp.where(counted > 0, maps, lowest)), _LEAST)
    ranked = jnp.where(counted > 0, stretched, 0.0)
    flat, true = (x.reshape(len(maps), -1) for x in (ranked, truth))
    chosen = brightest(flat, size.astype(jnp.int32))
    return _iou((chosen * true).sum(axis=1), size, size)


def correlation(maps: Maps, truth: Maps, counted: Maps) -> PerExample:
    """Pearson's r over the pixels, ``[b]`` in [-1, 1]; 0 where one of both is flat.

    Arguments as of `iou_from`.
    """
    num = jnp.maximum(counted.sum(_PIXELS, keepdims=True), 1.0)
    means = [(x * counted).sum(_PIXELS, keepdims=True) / num for x in (maps, truth)]
    centred = [(x - mean) * counted for x, mean in zip((maps, truth), means, strict=True)]
    lengths = [jnp.sqrt(jnp.square(x).sum(_PIXELS)) for x in centred]
    both = lengths[0] * lengths[1]
    product = (centred[0] * centred[1]).sum(_PIXELS)
    return jnp.where(both > 0, product / jnp.where(both > 0, both, 1.0), 0.0)


def _iou(shared: PerExample, one: PerExample, other: PerExample) -> PerExample:
    either = one + other - shared
    return jnp.where(either > 0, shared / jnp.where(either > 0, either, 1.0), 0.0)


_PEARSON = "Pearson's r with the object, 0 or 1"
_PAPER = "Charachon et al. 2022"
_SHARE = "in [0, 1]"
_NAN = "NaN: there is no object."
