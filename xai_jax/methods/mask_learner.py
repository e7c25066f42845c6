"""A network that learns to draw the masks of all classes, whatever the loss that judges them."""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen

from xai_jax.core import classifier_training
from xai_jax.core.classifier import Classifier
from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.method import Frozen, Method, Trainable
from xai_jax.core.outputs import CLASS_KEEP, KEEP
from xai_jax.core.precision import Precision, computed
from xai_jax.core.rng import example_keys
from xai_jax.core.types import (
    AnyArray,
    Batch,
    Explanation,
    Images,
    Logits,
    PerExample,
    PRNGKey,
    PyTree,
)
from xai_jax.losses.class_masks import ClassMaps
from xai_jax.nn import learner
from xai_jax.nn.layers import InTraining
from xai_jax.nn.learner import Learner, Weights

# (frozen, batch, draw, key) -> (loss [b], terms {name: [b]}), where draw makes mask logits
# [b h w k] of unit pixels [b h w c]. Where the classifier trains, also ask=..., which
# makes its logits [b k] of unit pixels within a training step, each call a pass of its own.
Judge = Callable[..., tuple[Any, dict[str, Any]]]
# (classifier, unit pixels [b h w c]) -> mask logits [b h w k], in which nothing is learned.
Begin = Callable[[Classifier, Images], ClassMaps]


def mask_learner(
    network: linen.Module,
    tx: optax.GradientTransformation,
    judge: Judge,
    *,
    begin: Begin | None = None,
    micro_batches: int = 1,
    classifier_trains: bool = False,
) -> Method:
    """The method that trains `network` by `judge`, and then explains in one pass of it.

    Args:
        network: ``(normalised [b h w c], training) -> mask logits [b h w k]``.
        tx: its optimiser.
        judge: the loss of each picture, and its terms before they are weighted.
        begin: what the network's mask logits are added to; ``None``: nothing.
        micro_batches: a batch goes through the networks in so many parts; bounds memory.
        classifier_trains: `judge` asks the classifier as a training step of its own would: dropout
            drawn anew in every pass, batch norm by the batch. Its weights stay; its running
            statistics move, pass after pass, and a validation uses the moved ones.
    """

    def init(key: PRNGKey, frozen: Frozen, batch: Batch) -> Learner:
        begun = learner.init(network, tx, key, batch.images)
        if not classifier_trains:
            return begun
        # Copies, for a loop may give the state's memory away.
        own = jax.tree.map(jnp.copy, classifier_training.statistics(frozen.classifier))
        return dataclasses.replace(begun, classifier_statistics=own)

    loss = functools.partial(_loss, network, judge, begin, classifier_trains)
    drawing = functools.partial(_drawing, network, begin)

    def step(state, frozen, batch, key, axis_name=None):
        metrics, grads, (statistics, of_classifier) = mean_loss_and_grad(
            functools.partial(loss, axis_name=axis_name),
            state.params,
            (state.statistics, state.classifier_statistics),
            batch,
            frozen,
            key,
            axis_name=axis_name,
            micro_batches=micro_batches,
        )
        after = learner.update(state, tx, grads, statistics)
        return dataclasses.replace(after, classifier_statistics=of_classifier), metrics

    def measure(weights, state, frozen, batch, key):
        moved = state.classifier_statistics
        classifier = classifier_training.with_statistics(frozen.classifier, moved)
        frozen = dataclasses.replace(frozen, classifier=classifier)
        total, found = judge(frozen, batch, drawing(weights, frozen), key)
        return {"loss": total, **found}

    def explain(weights, frozen, batch, key):
        del key
        draw = drawing(weights, frozen, precision=frozen.classifier.precision)
        class_keep = jax.nn.sigmoid(draw(batch.images))
        keep = jnp.take_along_axis(class_keep, batch.target[:, None, None, None], axis=3)
        maps = {CLASS_KEEP.name: class_keep}
        return Explanation(keep=keep, saliency=keep, target=batch.target, maps=maps)

    def check(frozen, shape):
        if begin is not None:  # it refuses a classifier that it cannot read
            images = jax.ShapeDtypeStruct(shape, jnp.float32)
            jax.eval_shape(begin, frozen.classifier, images)

    trainable = Trainable(init=init, step=step, measure=measure, weights=learner.weights)
    return Method(explain=explain, outputs=(KEEP, CLASS_KEEP), trainable=trainable, check=check)


def _loss(
    network: linen.Module,
    judge: Judge,
    begin: Begin | None,
    classifier_trains: bool,
    params: PyTree,
    both_statistics: tuple[PyTree, PyTree],
    batch: Batch,
    frozen: Frozen,
    key: PRNGKey,
    axis_name: str | None,
) -> tuple[PerExample, dict[str, PerExample], tuple[PyTree, PyTree]]:
    """What `core.gradient.mean_loss_and_grad` asks for; the statistics of network and classifier.

    Raises:
        ValueError: the classifier shall train, and how it does is not known.
    """
    statistics, of_classifier = both_statistics
    dropout_key, loss_key = jax.random.split(key)
    passes = itertools.count()  # each draws its own dropout

    def draw(images):
        nonlocal statistics
        keys = example_keys(jax.random.fold_in(dropout_key, next(passes)), batch.image_id)
        training = InTraining(weight=batch.weight, keys=keys, axis_name=axis_name)
        normalised = frozen.classifier.normalise(images)
        answer = learner.apply_training(network, params, statistics, normalised, training)
        logits, statistics = answer
        return _begun(begin, frozen, images, logits)

    if not classifier_trains:
        total, found = judge(frozen, batch, draw, loss_key)
        return total, found, (statistics, of_classifier)
    classifier_training.known(frozen.classifier)
    classifier = classifier_training.with_statistics(frozen.classifier, of_classifier)
    ask_key = jax.random.fold_in(key, 2)  # a third one, which leaves the two as they are
    ask = _Passes(classifier, batch, ask_key, axis_name)
    total, found = judge(frozen, batch, draw, loss_key, ask=ask)
    return total, found, (statistics, ask.statistics)


class _Passes:
    """The classifier within a training step: each call is one more pass, and moves `statistics`."""

    def __init__(
        self, classifier: Classifier, batch: Batch, key: PRNGKey, axis_name: str | None
    ) -> None:
        self._classifier, self._batch, self._key = classifier, batch, key
        self._axis_name, self._passes = axis_name, 0
        self.statistics: PyTree = classifier_training.statistics(classifier)

    def __call__(self, images: Images) -> Logits:
        key = jax.random.fold_in(self._key, self._passes)  # each pass draws its own dropout
        self._passes += 1
        logits, self.statistics = classifier_training.logits(
            classifier_training.with_statistics(self._classifier, self.statistics),
            images,
            example_keys(key, self._batch.image_id),
            weight=self._batch.weight,
            axis_name=self._axis_name,
        )
        return logits


def check_labels(batch: Batch, num_classes: int) -> None:
    """Refuses a batch from which no masks of `num_classes` classes can be learned.

    Raises:
        ValueError: the labels are missing, or of another number of classes than the masks.
    """
    wanted = (batch.images.shape[0], num_classes)
    if batch.labels is None or batch.labels.shape != wanted:
        there = "missing" if batch.labels is None else f"{list(batch.labels.shape)}"
        raise ValueError(
            f"The masks are learned from labels of shape {list(wanted)}, which are {there}; "
            "set network.num_classes to the number of classes of the data."
        )


def _drawing(
    network: linen.Module,
    begin: Begin | None,
    weights: Weights,
    frozen: Frozen,
    precision: Precision = "float32",
) -> Callable[[AnyArray], AnyArray]:
    """What the network draws once it is trained: every picture by itself."""
    apply = computed(functools.partial(learner.apply, network), precision)

    def draw(images):
        logits = apply(weights, frozen.classifier.normalise(images))
        return _begun(begin, frozen, images, logits)

    return draw


def _begun(begin: Begin | None, frozen: Frozen, images: Images, logits: ClassMaps) -> ClassMaps:
    """The network's mask logits, added to those with which the masks begin."""
    return logits if begin is None else begin(frozen.classifier, images) + logits
