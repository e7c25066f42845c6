"""Masks that nobody has to compute: constants, whose scores are known, and the truth itself."""

import dataclasses
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.types import Batch, Explanation
from xai_jax.metrics.truth import true_mask
from xai_jax.scoring.masks import shown
from xai_jax.scoring.stage import Arrays


@runtime_checkable
class Baseline(Protocol):
    """Draws masks of pictures of which the truth is known."""

    def counts(self, arrays: Arrays) -> bool:
        """Whether it has anything to say of a picture."""
        ...

    def __call__(self, batch: Batch, classes: tuple[int, ...], per_class: bool) -> Explanation:
        """What metrics are shown of a batch on the host.

        Args:
            batch: the pictures.
            classes: that are compared.
            per_class: whether the masks of each true class are wanted by themselves.
        """
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Constant:
    """The same number everywhere; it says nothing of a class.

    Fields:
        value: in [0, 1].
    """

    value: float

    def counts(self, arrays: Arrays) -> bool:
        """Always."""
        return True

    def __call__(self, batch: Batch, classes: tuple[int, ...], per_class: bool) -> Explanation:
        """The number as mask, and none of the compared classes."""
        keep = np.full((*batch.images.shape[:3], 1), self.value, np.float32)
        compared = np.full((*keep.shape[:3], len(classes)), np.nan, np.float32)
        return shown(batch, keep, compared, _of_true(batch, keep, per_class))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """What people drew: the best mask by the metrics that compare with it.

    What it shows is how the classifier answers.
    """

    def counts(self, arrays: Arrays) -> bool:
        """False for a picture that is all void: nothing is known of where the classes are."""
        counted = arrays.get("counted")
        return "masks" in arrays and (counted is None or bool((counted > 0).any()))

    def __call__(self, batch: Batch, classes: tuple[int, ...], per_class: bool) -> Explanation:
        """The merged truth, and that of each compared class."""
        keep = np.asarray(true_mask(jax.tree.map(jnp.asarray, batch)), np.float32)
        compared = np.asarray(batch.masks[..., list(classes)], np.float32)
        return shown(batch, keep, compared, _of_true(batch, np.asarray(batch.masks), per_class))


def _of_true(batch: Batch, masks: np.ndarray, per_class: bool) -> np.ndarray:
    """Masks ``[b h w k]``, or the same for all classes, where a class is true; else NaN."""
    if not per_class:
        return np.zeros((*masks.shape[:3], 0), np.float32)
    is_true = np.asarray(batch.labels > 0)[:, None, None, :]
    return np.where(is_true, masks, np.nan).astype(np.float32)


def baselines() -> dict[str, Baseline]:
    """The rows that stand in every table, whatever it compares."""
    constants: dict[str, Baseline] = {
        f"{value:g}": Constant(value=value) for value in (0.0, 0.5, 1.0)
    }
    return constants | {"truth": Truth()}
