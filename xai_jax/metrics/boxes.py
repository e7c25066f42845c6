"""Boxes around the salient part: the saliency metric, the deletion game, the pointing game."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.image import unit_range
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, Images, Maps, PerExample, PRNGKey, PyTree
from xai_jax.metrics.components import largest
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.shown import of_parts, probability
from xai_jax.metrics.truth import true_mask

Box = Float[Array, "b 4"]  # top, left, bottom, right; pixels, the latter two exclusive
FLOOR = 0.05  # smallest area that is still rewarded
TINY = float(np.finfo(np.float32).tiny)
SUPPRESSED = (0.8, 0.9, 0.95, 0.99)
_LEVELS = 100  # thresholds of the deletion game


def boxed_saliency(threshold: float = 0.5) -> Metric:
    """Saliency metric of the tightest box around the mask above `threshold`; one classifier call.

    ``ln max(a, 0.05) - ln p``: a is the share of the picture that the box covers, p the
    probability of the explained classes in the box's content, stretched to the picture bilinearly
    and out of proportion. Nothing above the threshold: a is 0 and the classifier sees its mean
    colour.

    Args:
        threshold: of `Explanation.keep`; part of the column's name, for it decides.

    Raises:
        ValueError: it is not in [0, 1).
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold must be in [0, 1), not {threshold}.")
    name = f"boxed_saliency_{threshold:g}".replace(".", "_")
    head = f"saliency of the box > {threshold:g}"
    low = float(np.log(FLOOR))
    source = "Dabkowski & Gal 2017"
    column = Column(name, head, "lower", low, np.inf, "nats", source, 2)
    meaning = "ln max(area, 0.05) - ln probability, of the box around the mask above the threshold."
    return Metric(
        measure=_BoxedSaliency(threshold=threshold, name=name),
        rows=(outputs.number(name, "nats", meaning),),
        columns=(column,),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _BoxedSaliency:
    threshold: float
    name: str

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, key
        inside = without_nan(_mask_of(explanation)) > self.threshold
        box, found = box_around(inside)
        seen = cropped(batch.images, box)
        mean = jnp.broadcast_to(frozen.classifier.mean, seen.shape)
        seen = jnp.where(found[:, None, None, None], seen, mean)
        area = jnp.where(found, area_of(box), 0.0) / (inside.shape[1] * inside.shape[2])
        shown = probability(frozen.classifier, seen, batch)
        return {self.name: jnp.log(jnp.maximum(area, FLOOR)) - jnp.log(jnp.maximum(shown, TINY))}


def deletion_game() -> Metric:
    """How large a box, cut out where the map is strong, takes the class away; 102 classifier calls.

    For the thresholds 0, 0.01, ... 0.99 of the map stretched to [0, 1], the box around what is
    above is replaced by the run's infill (the authors': a blur). What remains of the score is
    ``(p - p_infill) / (p_picture - p_infill)``. Columns: size of the box, in pixels, at the largest
    threshold at which at most 20, 10, 5 and 1 % remain; NaN where that is never so.
    """
    return Metric(measure=_deletion_game, rows=_GAME_ROWS, columns=_GAME)


def _deletion_game(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params
    maps, keys = unit_range(without_nan(explanation.saliency)), example_keys(key, batch.image_id)
    score = lambda images: probability(frozen.classifier, images, batch)  # noqa: E731
    shown = of_parts(frozen.infill, batch.images, keys, score)
    height, width = maps.shape[1:3]

    def cut(threshold: Array) -> tuple[PerExample, PerExample]:
        # Below 0 nothing is cut out, above 1 everything is.
        box, found = box_around((maps > threshold) | (threshold > 1))
        box = jnp.where((found & (threshold >= 0))[:, None], box, 0.0)
        return shown(1.0 - filled_box(box, height, width)), area_of(box)

    thresholds = jnp.concatenate([jnp.array([-1.0, 2.0]), jnp.arange(_LEVELS) / _LEVELS])
    found, sizes = jax.lax.map(cut, thresholds)  # [102 b]
    whole, nothing = found[0], found[1]
    left = (found[2:] - nothing) / jnp.where(whole > nothing, whole - nothing, jnp.nan)
    return {
        f"game_{100 * share:.0f}": _at_largest(left <= 1 - share + 1e-6, sizes[2:])
        for share in SUPPRESSED
    }


def _at_largest(reached: Array, sizes: Array) -> PerExample:
    """The size at the last threshold that is `reached` ``[n b]``; NaN for none."""
    last = reached.shape[0] - 1 - jnp.argmax(reached[::-1], axis=0)
    size = jnp.take_along_axis(sizes, last[None], axis=0)[0]
    return jnp.where(reached.any(axis=0), size, jnp.nan)


def pointing_game(tolerance: int = 15) -> Metric:
    """Whether the map's largest value is on the object or less than `tolerance` pixels away.

    The first of equals points. Difficult are pictures of several classes in which the object covers
    less than a quarter (Zhang et al. 2018); the other pictures do not count in that column.

    Args:
        tolerance: in pixels; 0: it must be on the object.

    Raises:
        ValueError: it is negative.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance must be at least 0 pixels, not {tolerance}.")
    names = f"pointing_{tolerance}", f"pointing_{tolerance}_difficult"
    source = "Zhang et al. 2018 (excitation backprop)"
    heads = f"pointing, {tolerance} px", f"difficult, {tolerance} px"
    meanings = (
        "1: the map points at the object; NaN: there is none.",
        "That, of difficult pictures.",
    )
    return Metric(
        measure=_Pointing(tolerance=tolerance, names=names),
        ranks=True,
        rows=tuple(
            outputs.number(name, "0 or 1", meaning)
            for name, meaning in zip(names, meanings, strict=True)
        ),
        columns=tuple(
            Column(name, head, "higher", 0.0, 1.0, "", source)
            for name, head in zip(names, heads, strict=True)
        ),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Pointing:
    tolerance: int
    names: tuple[str, str]

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, frozen, key
        maps, truth = without_nan(explanation.saliency), true_mask(batch)
        counted = jnp.ones_like(truth) if batch.counted is None else batch.counted
        hit = pointed(jnp.where(counted > 0, maps, -jnp.inf), truth * (counted > 0), self.tolerance)
        share = (truth * counted).sum((1, 2, 3)) / jnp.maximum(counted.sum((1, 2, 3)), 1e-9)
        difficult = (share < 0.25) & ((batch.labels > 0).sum(axis=1) > 1)
        return dict(zip(self.names, (hit, jnp.where(difficult, hit, jnp.nan)), strict=True))


def pointed(maps: Maps, truth: Maps, tolerance: int) -> PerExample:
    """1 where an object's pixel (truth > 0.5) is nearer than `tolerance` to the map's peak, else 0.

    NaN where there is no object.
    """
    _, height, width, _ = maps.shape
    peak = jnp.argmax(maps.reshape(len(maps), -1), axis=1)
    down = jnp.arange(height) - (peak // width)[:, None]  # [b h]
    across = jnp.arange(width) - (peak % width)[:, None]
    squares = down[:, :, None] ** 2 + across[:, None] ** 2
    is_object = truth[..., 0] > 0.5
    near = (squares < tolerance**2) | (squares == 0)
    hit = (is_object & near).any(axis=(1, 2)).astype(jnp.float32)
    return jnp.where(is_object.any(axis=(1, 2)), hit, jnp.nan)


def box_overlap() -> Metric:
    """Whether a box around the strong part of the map finds the object; needs masks.

    The map above its own mean, of that the largest component, of that the tightest box: found where
    its IoU with the tightest box around the object is above 0.5 (Zolna et al. 2020 score boxes so,
    against every drawn box of the class). NaN where there is no object.
    """
    return Metric(measure=_box_overlap, rows=_OVERLAP_ROWS, columns=_OVERLAP)


def _box_overlap(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params, frozen, key
    maps, truth = without_nan(explanation.saliency), true_mask(batch)
    counted = jnp.ones_like(truth) if batch.counted is None else batch.counted
    box, found = box_around(largest(maps > maps.mean(axis=(1, 2, 3), keepdims=True)))
    wanted, there = box_around((truth > 0.5) & (counted > 0.5))
    overlap = jnp.where(found, iou(box, wanted), 0.0)
    overlap = jnp.where(there, overlap, jnp.nan)
    hit = jnp.where(there, (overlap > 0.5).astype(jnp.float32), jnp.nan)
    return {"box_iou": overlap, "box_found": hit}


def iou(one: Box, other: Box) -> PerExample:
    """Intersection over union of two boxes, in [0, 1]."""
    low, high = jnp.maximum(one[:, :2], other[:, :2]), jnp.minimum(one[:, 2:], other[:, 2:])
    both = jnp.maximum(high - low, 0.0).prod(axis=1)
    return both / jnp.maximum(area_of(one) + area_of(other) - both, 1e-9)


def box_around(inside: Array) -> tuple[Box, Array]:
    """The tightest box around the pixels of ``[b h w 1]`` that are true, and whether any is."""
    ends = []
    for axis in (2, 1):  # rows, then columns
        there = inside[..., 0].any(axis=axis)  # [b n]
        ends.append((jnp.argmax(there, 1), there.shape[1] - jnp.argmax(there[:, ::-1], 1)))
    (top, bottom), (left, right) = ends
    box = jnp.stack([top, left, bottom, right], axis=1).astype(jnp.float32)
    return box, inside.any(axis=(1, 2, 3))


def area_of(box: Box) -> PerExample:
    """In pixels."""
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])


def filled_box(box: Box, height: int, width: int) -> Maps:
    """1 within the box, 0 beside it."""
    within = lambda n, low, high: (  # noqa: E731
        (jnp.arange(n) >= low[:, None]) & (jnp.arange(n) < high[:, None])
    )
    rows, columns = within(height, box[:, 0], box[:, 2]), within(width, box[:, 1], box[:, 3])
    return (rows[:, :, None] & columns[:, None])[..., None].astype(jnp.float32)


def cropped(images: Images, box: Box) -> Images:
    """The box's content stretched to the size of the picture, bilinearly, half-pixel centres."""
    _, height, width, _ = images.shape
    rows = jax.vmap(functools.partial(_stretch, height))(box[:, 0], box[:, 2])
    columns = jax.vmap(functools.partial(_stretch, width))(box[:, 1], box[:, 3])
    exact = jax.lax.Precision.HIGHEST
    tall = jnp.einsum("byh,bhwc->bywc", rows, images, precision=exact)
    return jnp.einsum("bxw,bywc->byxc", columns, tall, precision=exact)


def _stretch(size: int, low: Array, high: Array) -> Float[Array, "n n"]:
    """The matrix that makes `size` pixels of those from `low` to `high`."""
    place = low + (jnp.arange(size) + 0.5) * (high - low) / size - 0.5
    place = jnp.clip(place, low, high - 1)
    return jnp.maximum(1.0 - jnp.abs(place[:, None] - jnp.arange(size)), 0.0)


def _mask_of(explanation: Explanation) -> Maps:
    if explanation.keep is None:
        raise ValueError("This method cuts nothing out (it has no keep), so that no box is around.")
    return explanation.keep


_BBMP = "Fong & Vedaldi 2017, the deletion game"
_GAME = tuple(
    Column(
        f"game_{100 * share:.0f}", f"box, {share:.0%} gone", "lower", 0.0, np.inf, "px", _BBMP, 0
    )
    for share in SUPPRESSED
)
_GAME_ROWS = tuple(
    outputs.number(
        column.name,
        "pixels",
        f"Size of the box that takes {share:.0%} of the score away; NaN: none does.",
    )
    for column, share in zip(_GAME, SUPPRESSED, strict=True)
)
_ZOLNA = "Zolna et al. 2020 (CASME), localisation, of masks' boxes"
_OVERLAP = (
    Column("box_iou", "IoU of boxes", "higher", 0.0, 1.0, "", _ZOLNA),
    Column("box_found", "box found %", "higher", 0.0, 1.0, "%", _ZOLNA, 1),
)
_OVERLAP_ROWS = (
    outputs.number(
        "box_iou",
        "in [0, 1]",
        "IoU of the boxes around the map's largest strong part and around the object.",
    ),
    outputs.number("box_found", "0 or 1", "1 where that is above 0.5; NaN: there is no object."),
)
