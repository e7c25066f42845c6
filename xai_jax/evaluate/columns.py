"""The scores of a batch of masks, picture by picture: the columns of the table."""

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.types import Batch, Maps, PerExample
from xai_jax.metrics import segmentation, specificity
from xai_jax.metrics.saliency import saliency

# Of the masks against the truth and what the classifier says of the kept part, by name of column.
NAMES = (
    "mean_f1",
    "soft_iou",
    "auc",
    "saliency",
    "background_coverage",
    "object_coverage",
    "dice",
    "pointing",
)

probabilities = jax.jit(specificity.probabilities)


@jax.jit
def scores(classifier: Classifier, batch: Batch, keep: Maps) -> dict[str, PerExample]:
    """Every column of a batch.

    Args:
        classifier: is shown the kept part on its mean colour, which is 0 in what it eats.
        batch: with labels, and masks "soft" or "union".
        keep: merged over the true classes, in [0, 1].
    """
    keep = segmentation.without_nan(keep)
    truth = true_mask(batch)
    mean_colour = jnp.broadcast_to(classifier.mean, batch.images.shape)
    kept_logits = classifier.logits(compose(batch.images, keep, mean_colour))
    found = {
        "mean_f1": segmentation.mean_f1(keep, truth),
        "soft_iou": segmentation.soft_iou(keep, truth),
        "auc": segmentation.auc(keep, truth),
        "saliency": saliency(keep, kept_logits, (batch.labels > 0).astype(keep.dtype)),
        "background_coverage": segmentation.background_coverage(keep, truth),
        "object_coverage": segmentation.object_coverage(keep, truth),
        "dice": segmentation.f1_at(keep, truth, 0.5),
        "pointing": segmentation.pointing(keep, truth),
    }
    return {name: found[name] for name in NAMES}


def true_mask(batch: Batch) -> Maps:
    """The share of each pixel that the true classes cover, in [0, 1]."""
    if batch.masks.shape[3] == 1:
        return batch.masks
    true = batch.masks * (batch.labels > 0)[:, None, None, :]
    return jnp.minimum(true.sum(axis=3, keepdims=True), 1.0)
