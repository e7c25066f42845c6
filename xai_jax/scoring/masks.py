"""The masks that are scored: read from a results folder, merged over the true classes."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.image import unit_range
from xai_jax.core.types import Batch, Explanation
from xai_jax.metrics.specificity import COMPARED_KEEP
from xai_jax.metrics.tiles import TRUE_KEEP
from xai_jax.runs.batch import taken
from xai_jax.runtime.results import Results
from xai_jax.scoring.evaluation import ReadMask
from xai_jax.scoring.items import Item
from xai_jax.scoring.stage import Stage

_ROUNDING = 1e-5  # that a mask may be outside [0, 1]
_FIXED = {"target", "saliency", "keep"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """Masks out of what a run has explained; memory is bounded by the batch.

    Fields:
        stage: the evaluation.
        results: of the run, which is finished.
        items: what its rows explain.
        read: makes the masks.
        stretched: merged masks, and those of compared classes, are stretched to [0, 1].
        specific: data rows whose masks of the compared classes are wanted.
        per_class: whether those of each true class are wanted by themselves.
    """

    stage: Stage
    results: Results
    items: Sequence[Item]
    read: ReadMask
    stretched: bool
    specific: frozenset[int]
    per_class: bool = False

    def check(self) -> None:
        """Looks at the first masks.

        Raises:
            ValueError: one is outside [0, 1].
        """
        first = self.results.rows[: self.stage.batch_size]
        if first:
            _in_range(np.asarray(self.read(explanation_of(self.results, first)), np.float32))

    @functools.cached_property
    def places(self) -> Mapping[int, Sequence[int]]:
        """Where the items of each data row are."""
        found: dict[int, list[int]] = {}
        for place, item in enumerate(self.items):
            found.setdefault(item.row, []).append(place)
        return found

    def __call__(self, rows: Sequence[int], batch: Batch) -> Explanation:
        """What metrics are shown of these data rows, ``[size ...]`` on the host.

        `keep` and `saliency` are the masks of all true classes merged by their maximum, `target` is
        the first true class, and so are `pictures` and `numbers`; ``maps["compared_keep"]`` are the
        masks of the compared classes, NaN where they were not asked for. Where metrics want them,
        ``maps["true_keep"]`` are those of each true class.

        Raises:
            ValueError: a mask is outside [0, 1].
        """
        places = [place for row in rows for place in self.places[row]]
        drawn = _Drawn(self, rows, batch)
        for start in range(0, len(places), self.stage.batch_size):
            part = places[start : start + self.stage.batch_size]
            explanation = explanation_of(self.results, part)
            masks = _in_range(np.asarray(self.read(explanation), np.float32))
            for n, place in enumerate(part):
                drawn.add(self.items[place], masks[n], taken(explanation, [n]))
        return drawn.explanation()


class _Drawn:
    """A batch of masks as they come."""

    def __init__(self, of: Stored, rows: Sequence[int], batch: Batch) -> None:
        self._of, self._batch, self._classes = of, batch, of.stage.classes
        self._of_row = {row: n for n, row in enumerate(rows)}
        sides = batch.images.shape[:3]
        self._keep = np.zeros((*sides, 1), np.float32)
        self._compared = np.full((*sides, len(self._classes)), np.nan, np.float32)
        num_classes = of.stage.num_classes if of.per_class else 0
        self._true = np.full((*sides, num_classes), np.nan, np.float32)
        self._pictures: dict[str, np.ndarray] = {}
        self._numbers: dict[str, np.ndarray] = {}

    def add(self, item: Item, mask: np.ndarray, said: Explanation) -> None:
        """``[h w 1]`` of the item's target, or ``[h w k]`` of every class."""
        n = self._of_row[item.row]
        is_true = self._batch.labels[n] > 0  # [k]
        if mask.shape[2] == len(is_true):
            of_class = {k: mask[..., k] for k in range(len(is_true))}
        else:
            of_class = {item.target: mask[..., 0]}
        for k in np.flatnonzero(is_true).tolist() or [item.target]:
            if k in of_class:
                self._add_true(n, k, of_class[k])
        for j, k in enumerate(self._classes):
            if item.row in self._of.specific and k in of_class:
                self._compared[n, ..., j] = of_class[k]
        if item.target == self._batch.target[n]:
            self._take(n, self._pictures, said.pictures)
            self._take(n, self._numbers, said.numbers)

    def _take(self, n: int, place: dict[str, np.ndarray], found: Mapping[str, Any]) -> None:
        for name, values in found.items():
            shape = (len(self._keep), *values.shape[1:])
            place.setdefault(name, np.zeros(shape, values.dtype))[n] = np.asarray(values)[0]

    def _add_true(self, n: int, k: int, mask: np.ndarray) -> None:
        self._keep[n, ..., 0] = np.maximum(self._keep[n, ..., 0], mask)
        if self._of.per_class:
            self._true[n, ..., k] = mask

    def explanation(self) -> Explanation:
        keep, compared, true = self._keep, self._compared, self._true
        if self._of.stretched:
            keep, compared, true = map(_stretched, (keep, compared, true))
        found = shown(self._batch, keep, compared, true, self._pictures)
        return dataclasses.replace(found, numbers=self._numbers)


def _stretched(maps: np.ndarray) -> np.ndarray:
    """Each channel of ``[b h w n]`` by itself; NaN stays."""
    channels = maps.transpose(0, 3, 1, 2)
    flat = jnp.asarray(channels.reshape(-1, *channels.shape[2:], 1))
    found = np.asarray(unit_range(flat)).reshape(channels.shape).transpose(0, 2, 3, 1)
    return np.where(np.isnan(maps), np.nan, found)


def shown(
    batch: Batch,
    keep: np.ndarray,
    compared: np.ndarray,
    true: np.ndarray,
    pictures: dict[str, Any] | None = None,
) -> Explanation:
    """What metrics see of merged masks ``[b h w 1]``.

    Args:
        batch: on the host.
        keep: the merged masks.
        compared: those of the compared classes; without a channel where none is.
        true: those of the true classes, of all; without a channel where no metric wants them.
        pictures: of the first true class.
    """
    maps = {COMPARED_KEEP.name: compared, TRUE_KEEP.name: true}
    maps = {name: masks for name, masks in maps.items() if masks.shape[3]}
    return Explanation(
        target=batch.target, saliency=keep, keep=keep, maps=maps, pictures=pictures or {}
    )


def explanation_of(results: Results, places: Sequence[int]) -> Explanation:
    """Some rows of a run as the method answered them, but for what rounding the store does."""
    index = np.array(places)
    arrays = {name: array[index] for name, array in results.arrays.items() if name != "images"}
    arrays = {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in arrays.items()
    }
    kinds: dict[str, dict[str, Any]] = {"map": {}, "picture": {}, "number": {}}
    for name, array in arrays.items():
        if name not in _FIXED:
            kinds[results[name].output.kind][name] = array
    return jax.tree.map(
        jnp.asarray,
        Explanation(
            target=arrays["target"],
            saliency=arrays["saliency"],
            keep=arrays.get("keep"),
            maps=kinds["map"],
            pictures=kinds["picture"],
            numbers=kinds["number"],
        ),
    )


def _in_range(masks: np.ndarray) -> np.ndarray:
    low, high = masks.min(), masks.max()  # NaN is not less than anything
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ValueError(
            f"A mask goes from {low:.3g} to {high:.3g}, but it must lie in [0, 1]; set the "
            "contestant's mask to stretched_saliency."
        )
    return masks
