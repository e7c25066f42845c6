"""How the masks move: with a line search along the gradient, or with Nesterov's momentum."""

import enum
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from xai_jax.core.types import PerExample

Grids = Float[Array, "b g g n"]
Loss = Callable[[Grids, Int[Array, ""], Int[Array, ""]], PerExample]

_SHRINK, _SLACK, _LEAST = 0.2, 1e-4, 1e-5


class Descent(enum.Enum):
    """How the masks move along the gradient."""

    LINE_SEARCH = "line_search"  # as far as the loss falls enough
    NESTEROV = "nesterov"  # always as far, with momentum


def num_trials(first_rate: float) -> int:
    """Rates that a line search tries at most, 0.2 times the one before each."""
    tried = math.floor(math.log(first_rate / _LEAST) / math.log(1 / _SHRINK) + 1e-9) + 1
    return max(tried, 1)


def line_search(loss: Loss, first_rate: float) -> optax.GradientTransformation:
    """Each image by the largest rate with which its loss falls enough, below 1e-5 by any.

    Enough is 1e-4 times rate times squared norm of the gradient. As many rates are tried for every
    image, so that none waits for another's: the devices of a mesh have nothing to tell each other.

    Args:
        loss: ``(grids, step, evaluation) -> [b]``; evaluations of one step, 0, 1, ..., differ in
            their noise.
        first_rate: the largest.
    """

    def update(gradient, step, grids):
        squared = jnp.square(gradient).sum(axis=(1, 2, 3))
        before = loss(grids, step, jnp.int32(0))

        def tried(state, trial):
            rate, found = state
            after = loss(_moved(grids, gradient, rate), step, trial)
            found = found | (after <= before - _SLACK * rate * squared)
            return (jnp.where(found, rate, _SHRINK * rate), found), None

        rate = jnp.full(len(grids), first_rate)
        begun = rate, jnp.zeros(len(grids), bool)
        (rate, _), _ = jax.lax.scan(tried, begun, 1 + jnp.arange(num_trials(first_rate)))
        return _moved(grids, gradient, rate) - grids, step + 1

    return optax.GradientTransformation(lambda grids: jnp.int32(0), update)


def nesterov(rate: float, num_steps: int) -> optax.GradientTransformation:
    """A step of this rate from a point that looks ahead by ``i / (i + 3)`` of the step before.

    After the last step nothing is looked ahead, so that what is left is the mask itself.
    """

    def update(gradient, state, ahead):
        before, step = state
        mask = _moved(ahead, gradient, jnp.full(len(ahead), rate))
        share = jnp.where(step + 1 < num_steps, step / (step + 3.0), 0.0)
        return mask + share * (mask - before) - ahead, (mask, step + 1)

    return optax.GradientTransformation(lambda grids: (grids, jnp.int32(0)), update)


def _moved(grids: Grids, gradient: Grids, rate: PerExample) -> Grids:
    return jnp.clip(grids - rate[:, None, None, None] * gradient, 0.0, 1.0)
