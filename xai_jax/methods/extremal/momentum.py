"""Gradient descent with dampened momentum, as the authors of extremal perturbations use it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.types import AnyArray, PyTree


class _State(NamedTuple):
    started: AnyArray  # whether there was a gradient
    velocity: PyTree


def dampened_sgd(learning_rate: float, momentum: float) -> optax.GradientTransformation:
    """The velocity is the first gradient, then ``momentum * velocity + (1 - momentum) * gradient``.

    PyTorch's SGD with ``dampening = momentum``: an average of the gradients in which the first one
    weighs ``1 / (1 - momentum)`` times as much as another.
    """

    def init(params):
        return _State(jnp.zeros((), bool), jax.tree.map(jnp.zeros_like, params))

    def update(gradients, state, params=None):
        del params
        kept = jnp.where(state.started, momentum, 0.0)
        new = jnp.where(state.started, 1.0 - momentum, 1.0)
        velocity = jax.tree.map(lambda v, g: kept * v + new * g, state.velocity, gradients)
        updates = jax.tree.map(lambda v: -learning_rate * v, velocity)
        return updates, _State(jnp.ones((), bool), velocity)

    return optax.GradientTransformation(init, update)
