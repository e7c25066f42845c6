"""What a classifier answers to a picture of which only a part is shown."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill, compose
from xai_jax.core.targets import probs
from xai_jax.core.types import Batch, Images, Maps, PerExample, PRNGKeys


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


def of_parts(
    infill: Infill, images: Images, keys: PRNGKeys, score: Callable[[Images], PerExample]
) -> Callable[[Maps], PerExample]:
    """`score` of what a mask keeps of the pictures (1 = kept), the rest filled.

    Of an infill that draws one of several it is the mean over all of these, one call each: drawn by
    the key, each picture would be judged by another, and their scores would not compare.
    """
    infills = infill.each()
    contexts = [one.prepare(images) for one in infills]

    def by(place: int, keep: Maps) -> Images:
        return infills[place](contexts[place], jnp.round(keep), keys)

    def shown(keep: Maps) -> PerExample:
        if len(infills) == 1:
            return score(compose(images, keep, by(0, keep)))
        fills = [lambda place=place: by(place, keep) for place in range(len(infills))]
        # One loop over them, for the sake of one copy of the classifier in the compiled program.
        one = lambda place: score(compose(images, keep, jax.lax.switch(place, fills)))  # noqa: E731
        found: PerExample = jax.lax.map(one, jnp.arange(len(fills))).mean(axis=0)
        return found

    return shown
