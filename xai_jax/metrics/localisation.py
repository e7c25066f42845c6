"""Whether a box around what is strong in a map finds the object, as BBMP's authors ask."""

import dataclasses
import enum

import jax
import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey, PyTree
from xai_jax.metrics.boxes import box_around, iou
from xai_jax.metrics.segmentation import Hard, without_nan
from xai_jax.metrics.truth import true_mask

_PIXELS = (1, 2, 3)


class Rule(enum.Enum):
    """Which pixels of a map are strong, for the share a."""

    MEAN = "mean"  # at least a times the map's mean
    VALUE = "value"  # at least a of the way from the smallest to the largest value
    ENERGY = "energy"  # the largest that together stay below a of the map's sum


def found_at(rule: Rule, share: float) -> Metric:
    """Weakly supervised localisation of Fong & Vedaldi 2017 (sec. 5.4); needs masks.

    The tightest box around the strong pixels above 0, or the whole picture where there are none;
    found where its IoU with the box around the object is at least 0.5, their error being 1 less
    that. NaN where there is no object. They scored at the picture's own size, and chose the share
    of each method on held-out pictures: from 0 to 10 by 0.5 (mean), 0 to 0.95 by 0.05 (the others).

    Args:
        rule: which pixels are strong.
        share: a; part of the column's name, for it decides.

    Raises:
        ValueError: it is negative, or above 1 for a rule that takes shares of a whole.
    """
    most = float("inf") if rule is Rule.MEAN else 1.0
    if not 0 <= share <= most:
        raise ValueError(f"share must be in [0, {most:g}] for {rule}, not {share}.")
    name = f"found_{rule.value}_{share:g}".replace(".", "_")
    head = f"box found %, {rule.value} {share:g}"
    column = Column(name, head, "higher", 0.0, 1.0, "%", "Fong & Vedaldi 2017, sec. 5.4", 1)
    meaning = "1: the box around what is strong has half its union with the object's in common."
    row = outputs.number(name, "0 or 1", f"{meaning} NaN: there is no object.")
    measure = _FoundAt(rule=rule, share=share, name=name)
    return Metric(measure=measure, rows=(row,), columns=(column,), ranks=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _FoundAt:
    rule: Rule
    share: float
    name: str

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, frozen, key
        inside = strong(without_nan(explanation.saliency), self.rule, self.share)
        inside |= ~inside.any(axis=_PIXELS, keepdims=True)
        truth = true_mask(batch)
        counted = jnp.ones_like(truth) if batch.counted is None else batch.counted
        wanted, there = box_around((truth > 0.5) & (counted > 0.5))
        overlap = iou(box_around(inside)[0], wanted)
        return {self.name: jnp.where(there, (overlap >= 0.5).astype(jnp.float32), jnp.nan)}


def strong(maps: Maps, rule: Rule, share: float) -> Hard:
    """The pixels above 0 that are strong; of equals those first in reading order (energy)."""
    if rule is Rule.ENERGY:
        flat = jnp.maximum(maps, 0.0).reshape(len(maps), -1)
        order = jnp.argsort(-flat, axis=1, stable=True)
        reached = jnp.cumsum(jnp.take_along_axis(flat, order, axis=1), axis=1)
        chosen = reached < share * flat.sum(axis=1, keepdims=True)
        back = jax.vmap(lambda order, chosen: jnp.zeros_like(chosen).at[order].set(chosen))
        return back(order, chosen).reshape(maps.shape) & (maps > 0)
    if rule is Rule.MEAN:
        least = share * maps.mean(axis=_PIXELS, keepdims=True)
    else:
        low, high = (end(axis=_PIXELS, keepdims=True) for end in (maps.min, maps.max))
        least = low + share * (high - low)
    return (maps >= least) & (maps > 0)
