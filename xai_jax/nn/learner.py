"""A linen network as it learns: parameters, batch norm's statistics, the optimiser's state."""

import dataclasses
from collections.abc import Callable
from typing import Any

import optax
from flax import linen, struct

from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.types import AnyArray, Batch, PRNGKey, PyTree
from xai_jax.nn.layers import InTraining


@struct.dataclass
class Weights:
    """What a trained network is used with.

    Fields:
        params: what its optimiser changed.
        statistics: running means and variances of batch norm; an empty dict where there are none.
    """

    params: PyTree
    statistics: PyTree


@struct.dataclass
class Learner:
    """A network while it learns.

    Fields:
        params: what the optimiser changes.
        statistics: running means and variances of batch norm; an empty dict where there are none.
        opt_state: the optimiser's.
        classifier_statistics: those of the explained classifier, where they move while the network
            learns; else ``()``.
    """

    params: PyTree
    statistics: PyTree
    opt_state: PyTree = ()
    classifier_statistics: PyTree = ()


def adam(
    rate: float, decay_steps: int, *, trunk_rate: float | None = None
) -> optax.GradientTransformation:
    """Adam at a constant rate, or at one that falls to 0 along a half cosine over `decay_steps`.

    Args:
        rate: of all parameters.
        decay_steps: see above; 0: constant.
        trunk_rate: of those below "trunk", which begin with what another task has taught them;
            ``None``: `rate`, too.
    """
    all_of_it = optax.adam(optax.cosine_decay_schedule(rate, decay_steps) if decay_steps else rate)
    if trunk_rate is None:
        return all_of_it
    rates = {"trunk": adam(trunk_rate, decay_steps), "rest": all_of_it}

    def which(params: PyTree) -> dict[str, str]:
        return {name: name if name == "trunk" else "rest" for name in params}

    return optax.multi_transform(rates, which)


def init(
    network: linen.Module, tx: optax.GradientTransformation, key: PRNGKey, images: AnyArray
) -> Learner:
    """A `Learner` before its first step, for images of the shape ``[b h w c]``."""
    variables = network.init(key, images[:1])
    params = variables["params"]
    statistics = variables.get("batch_stats", {})
    return Learner(params=params, statistics=statistics, opt_state=tx.init(params))


def apply(network: linen.Module, weights: Weights | Learner, normalised: AnyArray) -> Any:
    """What a network answers once it is trained: every picture by itself."""
    variables = {"params": weights.params, "batch_stats": weights.statistics}
    return network.apply(variables, normalised)


def apply_training(
    network: linen.Module,
    params: PyTree,
    statistics: PyTree,
    normalised: AnyArray,
    training: InTraining,
) -> tuple[Any, PyTree]:
    """What a network answers within a step of its training, and its statistics after that.

    Args:
        network: ``(normalised, training) -> anything``.
        params: see `Learner`.
        statistics: likewise.
        normalised: ``[b h w c]``, what the network eats.
        training: what it is told of the batch.
    """
    answer, changed = network.apply(
        {"params": params, "batch_stats": statistics},
        normalised,
        training,
        mutable=["batch_stats"],
    )
    return answer, changed.get("batch_stats", {})


def update(
    learner: Learner, tx: optax.GradientTransformation, grads: PyTree, statistics: PyTree
) -> Learner:
    """The network after one update of its optimiser."""
    updates, opt_state = tx.update(grads, learner.opt_state, learner.params)
    params = optax.apply_updates(learner.params, updates)
    return dataclasses.replace(learner, params=params, statistics=statistics, opt_state=opt_state)


def minimise(
    learner: Learner,
    tx: optax.GradientTransformation,
    loss_fn: Callable[..., tuple[Any, dict[str, Any], PyTree]],
    batch: Batch,
    *args: Any,
    axis_name: str | None = None,
    micro_batches: int = 1,
) -> tuple[Learner, dict[str, Any]]:
    """The network after one update that lowers a loss, and the means of the loss and its terms.

    One line an update, so that a step may update several networks, each by a loss that looks at the
    others as the lines before have left them:

        critic, said = learner.minimise(state.critic, tx, of_critic, batch, state.generator)
        generator, more = learner.minimise(state.generator, tx, of_generator, batch, critic)

    Args:
        learner: the network.
        tx: its optimiser.
        loss_fn: see `core.gradient.mean_loss_and_grad`.
        batch: likewise.
        *args: likewise.
        axis_name: likewise.
        micro_batches: likewise.
    """
    metrics, grads, statistics = mean_loss_and_grad(
        loss_fn,
        learner.params,
        learner.statistics,
        batch,
        *args,
        axis_name=axis_name,
        micro_batches=micro_batches,
    )
    return update(learner, tx, grads, statistics), metrics


def weights(learner: Learner) -> Weights:
    """What is exported of a network that has learned."""
    return Weights(params=learner.params, statistics=learner.statistics)
