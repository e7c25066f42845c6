"""What the classifier makes of a mask, whatever people drew: of what it keeps, and of the rest."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import probs
from xai_jax.core.types import Batch, Explanation, Images, PerExample, PRNGKey, PyTree
from xai_jax.metrics.saliency import saliency
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.shown import of_parts


def convincing() -> Metric:
    """The saliency metric of the kept part on the classifier's mean colour; one classifier call."""
    return Metric(measure=_convincing, rows=_CONVINCING_ROWS, columns=_CONVINCING)


def parts() -> Metric:
    """Probability of the true classes in the kept and in the removed part; two classifier calls."""
    return Metric(measure=_parts, rows=_PARTS_ROWS, columns=_PARTS)


def _convincing(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params, key
    keep, classifier = without_nan(explanation.keep), frozen.classifier
    mean_colour = jnp.broadcast_to(classifier.mean, batch.images.shape)
    logits = classifier.logits(compose(batch.images, keep, mean_colour))
    return {"saliency": saliency(keep, logits, (batch.labels > 0).astype(keep.dtype))}


def _parts(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params
    keep, keys = without_nan(explanation.keep), example_keys(key, batch.image_id)
    score = lambda images: _true(frozen.classifier, batch, images)  # noqa: E731
    shown = of_parts(frozen.infill, batch.images, keys, score)
    # One loop over both parts, for the sake of one copy of the classifier in the program.
    kept, removed = jax.lax.map(shown, jnp.stack([keep, 1.0 - keep]))
    return {"kept": kept, "removed": removed}


def _true(classifier: Classifier, batch: Batch, images: Images) -> PerExample:
    """Mean probability of the true classes in other `images`, in [0, 1]; NaN of none."""
    is_true = batch.labels > 0
    found = probs(classifier.logits(images), classifier.head)
    total = jnp.where(is_true, found, 0.0).sum(axis=1)
    num = is_true.sum(axis=1)
    return jnp.where(num > 0, total / jnp.maximum(num, 1), jnp.nan)


_CONVINCING = (
    Column(
        "saliency", "saliency", "lower", float(np.log(0.05)), np.inf, "nats",
        "Dabkowski & Gal 2017, of all true classes as in Stalder et al. 2022",
    ),
)  # fmt: skip
_CONVINCING_ROWS = (
    outputs.number(
        "saliency",
        "nats",
        "ln max(mean m, 0.05) - ln sum of the true classes' softmax under m; NaN: there is none.",
    ),
)
_SOURCE = "FIDO (Chang et al. 2019), sec. 1: the preservation and the deletion game"
_PARTS = (
    Column("kept", "kept %", "higher", 0.0, 1.0, "%", _SOURCE, 1),
    Column("removed", "removed %", "lower", 0.0, 1.0, "%", _SOURCE, 1),
)
_PARTS_ROWS = tuple(
    outputs.number(
        name, "in [0, 1]", f"Mean probability of the true classes in the {name} part on the infill."
    )
    for name in ("kept", "removed")
)
