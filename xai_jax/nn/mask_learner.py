"""A network that learns to draw the masks of all classes, whatever the loss that judges them."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen

from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.method import Frozen, Method
from xai_jax.core.types import AnyArray, Batch, Explanation, PRNGKey
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner

# (frozen, batch, draw, key) -> (loss [b], terms {name: [b]}), where draw makes mask logits
# [b h w k] of unit pixels [b h w c].
Judge = Callable[..., tuple[Any, dict[str, Any]]]


def mask_learner(
    network: linen.Module,
    tx: optax.GradientTransformation,
    judge: Judge,
    *,
    micro_batches: int = 1,
) -> Method:
    """The method that trains `network` by `judge`, and then explains in one pass of it.

    Args:
        network: ``(normalised [b h w c], train=...) -> mask logits [b h w k]``.
        tx: its optimiser.
        judge: the loss of each picture, and its terms before they are weighted.
        micro_batches: a batch goes through the networks in so many parts; bounds memory.
    """

    def init(key: PRNGKey, frozen: Frozen, batch: Batch) -> Learner:
        del frozen
        return learner.begun(network, tx, key, batch.images)

    def loss(params, statistics, batch, frozen, key, axis_name):
        dropout_key, loss_key = jax.random.split(key)

        def draw(images):
            nonlocal statistics
            normalised = frozen.classifier.normalise(images)
            over = {"weight": batch.weight, "axis_name": axis_name}
            logits, statistics = learner.trained(
                network, params, statistics, normalised, dropout_key, **over
            )
            return logits

        total, found = judge(frozen, batch, draw, loss_key)
        return total, found, statistics

    def step(state, frozen, batch, key, axis_name=None):
        metrics, grads, statistics = mean_loss_and_grad(
            functools.partial(loss, axis_name=axis_name),
            state.params,
            state.statistics,
            batch,
            frozen,
            key,
            axis_name=axis_name,
            micro_batches=micro_batches,
        )
        return learner.moved(state, tx, grads, statistics), metrics

    def measure(state, frozen, batch, key):
        total, found = judge(frozen, batch, _drawing(network, state, frozen), key)
        return {"loss": total, **found}

    def explain(state, frozen, batch, key):
        del key
        class_keep = jax.nn.sigmoid(_drawing(network, state, frozen)(batch.images))
        keep = jnp.take_along_axis(class_keep, batch.target[:, None, None, None], axis=3)
        return Explanation(keep=keep, saliency=keep, target=batch.target, class_keep=class_keep)

    return Method(init=init, step=step, explain=explain, measure=measure)


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
    network: linen.Module, state: Learner, frozen: Frozen
) -> Callable[[AnyArray], AnyArray]:
    """What the network draws once it is trained: every picture by itself."""

    def draw(images):
        return learner.used(network, state, frozen.classifier.normalise(images))

    return draw
