"""The masks of one contestant: compiled once, drawn for every class that is asked for, timed."""

import dataclasses
import statistics
import time
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from xai_jax.core.method import Method
from xai_jax.core.types import Batch
from xai_jax.evaluate.evaluation import Contestant
from xai_jax.evaluate.stage import Stage

Rows = Bool[np.ndarray, "b"]
Drawn = Float[np.ndarray, "b h w n"]

_ROUNDING = 1e-5  # that a mask may be outside [0, 1]


class Drawing:
    """Draws what the metrics ask for: the merged mask of a picture, and those of some classes."""

    def __init__(self, contestant: Contestant, state: Any, stage: Stage) -> None:
        """Compiles.

        Raises:
            ValueError: the masks have another size than the pictures, or the state is not the
                method's.
        """
        method = cast(Method, contestant.method.build())
        chosen = np.array(stage.evaluation.classes, np.int32)

        def masks(state, frozen, batch, key):
            return contestant.mask(method.explain(state, frozen, batch, key))

        def merged(state, frozen, batch, key):
            of_classes = masks(state, frozen, batch, key)
            true = batch.labels[:, None, None, :] > 0
            keep = jnp.where(true, of_classes, 0.0).max(axis=3, keepdims=True)
            return jnp.concatenate([keep, of_classes[..., chosen]], axis=3)  # [b h w 1+n]

        self._stage, self._classes = stage, list(stage.evaluation.classes)
        arguments = stage.placed(state), stage.frozen, stage.split(stage.example), stage.key
        shape = jax.eval_shape(masks, *arguments).shape
        _check_shape(shape, stage.example)
        self._one_by_one = shape[3] == 1
        self._state = arguments[0]
        function = masks if self._one_by_one else merged
        self._call = jax.jit(function).lower(*arguments).compile()
        self._seconds: list[float] = []
        self._pictures = self._explained = 0

    def __call__(self, batch: Batch, specific: Rows) -> Drawn:
        """Masks of a batch in host memory.

        Args:
            batch: rows of weight 0 get no mask by a method that explains one class at a time.
            specific: whose masks of the compared classes are wanted.

        Returns:
            ``[b h w 1+n]``: the masks of all true classes merged by their maximum, and those of the
            n compared classes.

        Raises:
            ValueError: a mask is outside [0, 1].
        """
        true = (batch.labels > 0) & (batch.weight > 0)[:, None]  # [b k]
        self._pictures += int((batch.weight > 0).sum())
        if not self._one_by_one:
            self._explained = self._pictures
            return self._timed(batch)
        self._explained += int(true.sum())
        compared = np.isin(np.arange(true.shape[1]), self._classes)
        wanted = true | (specific[:, None] & compared)
        size = len(batch.images)
        drawn = np.zeros((*batch.images.shape[:3], 1 + len(self._classes)), np.float32)
        pairs = np.argwhere(wanted)  # [p 2], of a row and a class
        for start in range(0, len(pairs), size):
            part = pairs[start : start + size]
            found = self._timed(_of_pairs(batch, part))
            for (row, k), mask in zip(part, found, strict=False):
                if true[row, k]:
                    drawn[row, ..., :1] = np.maximum(drawn[row, ..., :1], mask)
                if k in self._classes:
                    drawn[row, ..., 1 + self._classes.index(k)] = mask[..., 0]
        return drawn

    @property
    def milliseconds(self) -> float:
        """To draw the masks of all true classes of a picture, which lies on the device.

        The median call, over the rows of a batch; the first call is left out, if there are others.
        """
        seconds = statistics.median(self._seconds[1:] or self._seconds)
        each = 1e3 * seconds / len(self._stage.example.images)
        return each * self._explained / self._pictures

    def _timed(self, batch: Batch) -> np.ndarray:
        placed = jax.block_until_ready(self._stage.split(batch))
        started = time.perf_counter()
        masks = self._call(self._state, self._stage.frozen, placed, self._stage.key)
        jax.block_until_ready(masks)
        self._seconds.append(time.perf_counter() - started)
        masks = np.asarray(masks)
        low, high = masks.min(), masks.max()  # NaN is not less than anything
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            raise ValueError(
                f"A mask goes from {low:.3g} to {high:.3g}, but it must lie in [0, 1]; set the "
                "contestant's mask to stretched_saliency."
            )
        return masks


def _of_pairs(batch: Batch, pairs: np.ndarray) -> Batch:
    """One row for each (row, class), which becomes its target; padded with weight 0."""
    padding = len(batch.images) - len(pairs)
    rows, classes = np.concatenate([pairs, np.repeat(pairs[:1], padding, axis=0)]).T
    taken = jax.tree.map(lambda x: np.asarray(x)[rows], batch)
    weight = (np.arange(len(rows)) < len(pairs)).astype(np.float32)
    return dataclasses.replace(taken, target=classes.astype(np.int32), weight=weight)


def _check_shape(shape: tuple[int, ...], batch: Batch) -> None:
    sides, num_classes = batch.images.shape[:3], batch.labels.shape[1]
    if shape not in ((*sides, 1), (*sides, num_classes)):
        raise ValueError(
            f"The masks have the shape {list(shape)} where {[*sides, 1]} or "
            f"{[*sides, num_classes]} are wanted; check the contestant's mask and its method."
        )
