"""How a classifier answers within a step of its own training, and what such a step moves."""

import dataclasses
import functools
from collections.abc import Callable

from xai_jax.core.classifier import Classifier
from xai_jax.core.rng import dropped
from xai_jax.core.types import AnyArray, Images, Logits, PerExample, PRNGKeys, PyTree


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What a network does within a step of its own training, and not when it is used.

    Fields:
        dropout: share that is left out of what each hidden layer of the head answers. Above 0,
            `Classifier.head_fn` takes ``drop``, ``(place in the head, [b n]) -> the same with
            zeros``.
        features_fn: ``(params, normalised, *, weight, axis_name) -> (activations, statistics)``:
            batch norm by the batch's own statistics (without rows of weight 0, over all devices),
            and ``params["statistics"]``, the running ones, moved by them. ``None``: nothing moves.
    """

    dropout: float = 0.0
    features_fn: Callable | None = None


def known(classifier: Classifier) -> Training:
    """What a training step does otherwise.

    Raises:
        ValueError: it is not known.
    """
    in_halves = classifier.features_fn is not None and classifier.head_fn is not None
    if classifier.training is None or not in_halves:
        raise ValueError(
            "How this classifier answers while it is trained is not known, or its batch norm "
            "is folded into its weights; use vgg16, resnet50_batch_norm or one trained from "
            "these, set training, features_fn and head_fn, or set classifier_mode to EVAL."
        )
    return classifier.training


def statistics(classifier: Classifier) -> PyTree:
    """What a training step moves without a gradient; an empty dict where that is nothing."""
    training = classifier.training
    moves = training is not None and training.features_fn is not None
    return classifier.params["statistics"] if moves else {}


def with_statistics(classifier: Classifier, moved: PyTree) -> Classifier:
    """The classifier after its `statistics` have moved; empty ones leave it as it is."""
    if not moved:
        return classifier
    return dataclasses.replace(classifier, params={**classifier.params, "statistics": moved})


def features(
    classifier: Classifier, images: Images, *, weight: PerExample, axis_name: str | None = None
) -> tuple[AnyArray, PyTree]:
    """`Classifier.features` within a training step, and the statistics after it.

    Args:
        classifier: as it is before the step.
        images: unit pixels.
        weight: 0 for rows that take no part in batch norm.
        axis_name: the ``pmap`` axis; ``None`` under ``jit``.
    """
    training = classifier.training
    if training is None or training.features_fn is None:
        return classifier.features(images), statistics(classifier)
    over = {"weight": weight, "axis_name": axis_name}
    return training.features_fn(classifier.params, classifier.normalise(images), **over)


def logits(
    classifier: Classifier,
    images: Images,
    keys: PRNGKeys,
    *,
    weight: PerExample,
    axis_name: str | None = None,
) -> tuple[Logits, PyTree]:
    """`Classifier.logits` within a training step, and the statistics after it.

    Args:
        classifier: as it is before the step.
        images: unit pixels.
        keys: of dropout, one a picture.
        weight: 0 for rows that take no part in batch norm.
        axis_name: the ``pmap`` axis; ``None`` under ``jit``.

    Raises:
        ValueError: what a training step does is not known.
    """
    share = known(classifier).dropout
    activations, moved = features(classifier, images, weight=weight, axis_name=axis_name)
    if not share or classifier.head_fn is None:
        return classifier.logits_of_features(activations), moved
    drop = functools.partial(dropped, share, keys)
    return classifier.head_fn(classifier.params, activations, drop=drop), moved
