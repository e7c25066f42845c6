"""The exponential moving average of what is learned, in place of it (Polyak & Juditsky 1992)."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from xai_jax.core.method import Trainable
from xai_jax.core.types import PyTree


@struct.dataclass
class Averaged:
    """The state of what learns, and beside it the average of its weights.

    Fields:
        learning: the state of the `Trainable` within.
        weights: the average so far.
        num_updates: int32, how many updates it is of; at 0 it means nothing yet.
    """

    learning: PyTree
    weights: PyTree
    num_updates: Any


def ema(trainable: Trainable, decay: float) -> Trainable:
    """Learns as `trainable` does; its average is what is validated, exported and explained with.

    After update n the average is ``decay^n w_0 + (1 - decay) sum_i decay^(n - i) w_i``, of the
    weights w_0 that the first step began with and those after each update. Leaves that are no
    floating point numbers (counters, keys) are the last ones.

    Args:
        trainable: what learns; a step of it may update several networks.
        decay: in [0, 1); 0.999 say. 0: the weights themselves.

    Raises:
        ValueError: `decay` is not in its range.
    """
    if not 0.0 <= decay < 1.0:
        raise ValueError(f"decay must be at least 0 and below 1, not {decay}.")

    def init(key, frozen, batch):
        learning = trainable.init(key, frozen, batch)
        # Copies, for a loop may give the state's memory away.
        average = jax.tree.map(jnp.copy, trainable.weights(learning))
        return Averaged(learning=learning, weights=average, num_updates=jnp.int32(0))

    def step(state, frozen, batch, key, axis_name=None):
        begun = trainable.weights(state.learning)  # after what the run took over from elsewhere
        before = jax.tree.map(
            functools.partial(jnp.where, state.num_updates == 0), begun, state.weights
        )
        learning, metrics = trainable.step(state.learning, frozen, batch, key, axis_name=axis_name)
        average = jax.tree.map(
            functools.partial(_nearer, decay), before, trainable.weights(learning)
        )
        after = Averaged(learning=learning, weights=average, num_updates=state.num_updates + 1)
        return after, metrics

    return Trainable(
        init=init,
        step=step,
        measure=_measuring(trainable),
        weights=lambda state: state.weights,
        validated=_validating(trainable),
        finished=_finishing(trainable),
        look=trainable.look,
        admit=trainable.admit,
        summary=trainable.summary,
    )


def started(start: Callable[[Any], Any], state: Averaged) -> Averaged:
    """The `start` of an Experiment for the state within: ``functools.partial(started, Trunk())``.

    The average begins with what the state is then, at the first step.
    """
    return dataclasses.replace(state, learning=start(state.learning))


def _nearer(decay: float, average: Any, weight: Any) -> Any:
    if not jnp.issubdtype(weight.dtype, jnp.inexact):
        return weight
    return weight - (decay * (weight - average)).astype(weight.dtype)


def _measuring(trainable: Trainable) -> Any:
    measure = trainable.measure
    if measure is None:
        return None
    return lambda weights, state, *given: measure(weights, state.learning, *given)


def _validating(trainable: Trainable) -> Any:
    validated = trainable.validated
    if validated is None:
        return None
    return lambda state, values: dataclasses.replace(
        state, learning=validated(state.learning, values)
    )


def _finishing(trainable: Trainable) -> Any:
    finished = trainable.finished
    return None if finished is None else lambda state: finished(state.learning)
