"""What a classifier answers to a picture of which only a part is shown."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import probs
from xai_jax.core.types import Batch, Images, PerExample


def explained_classes(batch: Batch, num_classes: int) -> Bool[Array, "b k"]:
    """The classes that an explanation is of: a scoring merges those of all true classes.

    All true classes, where they are known and the target is one of them; else the target.
    """
    target = jax.nn.one_hot(batch.target, num_classes, dtype=bool)
    if batch.labels is None:
        return target
    is_true = batch.labels > 0
    return jnp.where((is_true & target).any(axis=1, keepdims=True), is_true, target)


def probability(classifier: Classifier, images: Images, batch: Batch) -> PerExample:
    """Mean probability of the `explained_classes` of `batch` in other `images`, in [0, 1]."""
    found = probs(classifier.logits(images), classifier.head)
    wanted = explained_classes(batch, found.shape[1])
    return jnp.where(wanted, found, 0.0).sum(axis=1) / wanted.sum(axis=1)
