"""A decision that is one of two: whether a class is present, as the explained classifier says."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch, Images, PerExample


def class_of(classifier: Classifier, chosen: int | None, shape: tuple[int, ...]) -> int:
    """The class whose presence is the decision.

    Args:
        classifier: the explained one.
        chosen: by the user; ``None``: the classifier has one class.
        shape: of the pictures, ``[b h w c]``.

    Raises:
        ValueError: there is no such class, or several and none is chosen.
    """
    num = classifier.num_classes(shape[1:])
    if chosen is None and num != 1:
        raise ValueError(
            f"The classifier has {num} classes, and its decision must be one of two; set "
            "decided_class to the class whose presence is explained."
        )
    if chosen is not None:
        check_known(chosen, num)
    return chosen or 0


def check_known(decided: int, num_classes: int) -> None:
    """Refuses a decided class that the classifier does not know.

    Raises:
        ValueError: which classes there are.
    """
    if not 0 <= decided < num_classes:
        raise ValueError(
            f"decided_class is {decided} and the classifier's classes are 0 to {num_classes - 1}; "
            "name one of them."
        )


def log_odds(classifier: Classifier, decided: int, images: Images) -> PerExample:
    """Of the decided class, in nats: from 0 on a picture is in domain one, below in domain zero."""
    return classifier.log_odds(images, jnp.full(len(images), decided, jnp.int32))


_decide = jax.jit(log_odds, static_argnums=1)  # of both data to train and to validate on


def look(chosen: int | None, frozen: Frozen, batches: Iterator[Batch], to_train: bool) -> None:
    """Refuses pictures that the classifier decides alike: the `look` of a `Trainable`.

    Of those to train on one of the rarer decision in each batch is the least with which both sides
    are learned; of those to validate with there need be one of either.

    Args:
        chosen: see `class_of`.
        frozen: whose classifier decides.
        batches: of pictures.
        to_train: whether they are to be learned from.

    Raises:
        ValueError: with how many of them show the class.
    """
    seen, ones, num_batches = 0.0, 0.0, 0
    for batch in batches:
        decided = class_of(frozen.classifier, chosen, batch.images.shape)
        is_one = _decide(frozen.classifier, decided, batch.images) >= 0
        seen += float(batch.weight.sum())
        ones += float((batch.weight * is_one).sum())
        num_batches += 1
    rarer = min(ones, seen - ones)
    if rarer >= (num_batches if to_train else 1):
        return
    alike = f"{'all' if ones else 'none'} of them show the class. There is nothing to flip;"
    few = f"{ones:.0f} of them show the class, and a batch is to have one of either kind at least;"
    raise ValueError(
        f"The classifier decides {seen:.0f} pictures {'nearly ' if rarer else ''}alike: "
        f"{few if rarer else alike} choose pictures that it decides both ways, or another "
        "decided_class."
    )
