"""The scores of a batch of masks, picture by picture: the columns of the table."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import probs
from xai_jax.core.types import Batch, Maps, PerExample, PRNGKey, PRNGKeys, batch_size
from xai_jax.metrics import segmentation, specificity
from xai_jax.metrics.saliency import saliency

Rows = Bool[np.ndarray, "b"]

# Of the masks against the truth, and what the classifier says of both parts, by name of column.
NAMES = (
    "mean_f1",
    "soft_iou",
    "auc",
    "saliency",
    "background_coverage",
    "object_coverage",
    "dice",
    "pointing",
    "kept",
    "removed",
)

probabilities = jax.jit(specificity.probabilities)


@jax.jit
def scores(frozen: Frozen, batch: Batch, keep: Maps, key: PRNGKey) -> dict[str, PerExample]:
    """Every column of a batch.

    Args:
        frozen: the classifier, and what takes the place of the missing part; for saliency that is
            the mean colour always, which is 0 in what the classifier eats.
        batch: with labels, and masks "soft" or "union". What does not count of a pixel is left out
            of every comparison with the truth, and only there.
        keep: merged over the true classes, in [0, 1].
        key: of the infill.
    """
    classifier, keys = frozen.classifier, example_keys(key, batch.image_id)
    keep = segmentation.without_nan(keep)
    truth, counted = true_mask(batch), batch.counted
    mean_colour = jnp.broadcast_to(classifier.mean, batch.images.shape)
    kept_logits = classifier.logits(compose(batch.images, keep, mean_colour))
    found = {
        "mean_f1": segmentation.mean_f1(keep, truth, counted),
        "soft_iou": segmentation.soft_iou(keep, truth, counted),
        "auc": segmentation.auc(keep, truth, counted),
        "saliency": saliency(keep, kept_logits, (batch.labels > 0).astype(keep.dtype)),
        "background_coverage": segmentation.background_coverage(keep, truth, counted),
        "object_coverage": segmentation.object_coverage(keep, truth, counted),
        "dice": segmentation.f1_at(keep, truth, 0.5, counted),
        "pointing": segmentation.pointing(keep, truth, counted),
        "kept": _seen(frozen, batch, keep, keys),
        "removed": _seen(frozen, batch, 1.0 - keep, keys),
    }
    return {name: found[name] for name in NAMES}


def _seen(frozen: Frozen, batch: Batch, part: Maps, keys: PRNGKeys) -> PerExample:
    """Mean probability of the true classes where only a part of the picture is shown, in [0, 1]."""
    filled = frozen.infill(frozen.infill.prepare(batch.images), jnp.round(part), keys)
    logits = frozen.classifier.logits(compose(batch.images, part, filled))
    is_true = batch.labels > 0
    total = jnp.where(is_true, probs(logits, frozen.classifier.head), 0.0).sum(axis=1)
    return total / jnp.maximum(is_true.sum(axis=1), 1)


def has_truth(batch: Batch) -> Rows:
    """Whether anything is known of where the classes are; false for a picture that is all void."""
    if batch.counted is None:
        return np.ones(batch_size(batch), bool)
    return np.any(np.asarray(batch.counted) > 0, axis=(1, 2, 3))


def without_needless_weights(batch: Batch) -> Batch:
    """The batch with `counted` ``None`` where every pixel counts: nothing is weighed with ones."""
    whole = batch.counted is None or (np.asarray(batch.counted) == 1).all()
    return dataclasses.replace(batch, counted=None) if whole else batch


def true_mask(batch: Batch) -> Maps:
    """The share that the true classes cover of what counts of each pixel, in [0, 1]."""
    if batch.masks.shape[3] == 1:
        return batch.masks
    true = batch.masks * (batch.labels > 0)[:, None, None, :]
    return jnp.minimum(true.sum(axis=3, keepdims=True), 1.0)
