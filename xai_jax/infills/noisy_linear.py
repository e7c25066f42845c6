"""ROAD's imputation: every removed pixel is the weighted mean of its neighbours, plus noise."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count, NotNegative
from xai_jax.core.infill import Infill
from xai_jax.core.push_pull import push_pull
from xai_jax.core.settings import Settings

Colours = Float[Array, "b h w c"]


@dataclasses.dataclass(slots=True, kw_only=True)
class NoisyLinear(Settings):
    """The fill of Rong et al. 2022 (ROAD), sec. 4.2: no shape of a mask is left to be seen.

    A removed pixel is the mean of its eight neighbours, of which those beside it count twice as
    much as those across a corner; all removed pixels together are the solution of a sparse linear
    system. The authors solve it exactly; here conjugate gradients set out from `core.push_pull`.
    A picture of which nothing is kept becomes the classifier's mean colour, with the noise.

    Fields:
        noise: standard deviation of the noise in each channel of a removed pixel, unit pixels.
        num_steps: of the conjugate gradients; holes of up to about so many pixels are exact.
    """

    noise: NotNegative = 0.01
    num_steps: Count = 40

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        params = {"mean": classifier.mean, "noise": jnp.float32(self.noise)}
        return Infill(params=params, fill_fn=_fill_with(self.num_steps))


@functools.cache
def _fill_with(num_steps: int):
    return functools.partial(_fill, num_steps=num_steps)  # one object a number, compiled once


def _fill(params, context, keep, keys, *, num_steps: int):
    removed = 1.0 - keep
    start = push_pull(context, keep, params["mean"])
    weight = neighbours(jnp.ones_like(keep))

    def apply(x: Colours) -> Colours:
        return removed * (weight * x - neighbours(x))

    solved = removed * _solved(
        apply, removed * neighbours(keep * context), removed * start, num_steps
    )
    noise = jax.vmap(lambda key, x: jax.random.normal(key, x.shape))(keys, context)
    filled = keep * context + removed * (solved + params["noise"] * noise)
    return jnp.clip(filled, 0.0, 1.0)


def neighbours(x: Colours) -> Colours:
    """Sum of the eight neighbours, 1/6 of those beside and 1/12 of those across; 0 is outside."""
    high = jnp.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    tall = high[:, :-2] + 2.0 * x + high[:, 2:]
    wide = jnp.pad(tall, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return (wide[:, :, :-2] + 2.0 * tall + wide[:, :, 2:]) / 12.0 - x / 3.0


def _solved(apply, wanted: Colours, x: Colours, num_steps: int) -> Colours:
    """``apply(x) = wanted`` by conjugate gradients, each picture and channel by itself."""
    dot = lambda a, b: (a * b).sum(axis=(1, 2), keepdims=True)  # noqa: E731
    ratio = lambda a, b: jnp.where(b > 1e-20, a / jnp.where(b > 1e-20, b, 1.0), 0.0)  # noqa: E731

    def step(carry, _):
        x, rest, way = carry
        moved = apply(way)
        length = ratio(dot(rest, rest), dot(way, moved))
        x, left = x + length * way, rest - length * moved
        way = left + ratio(dot(left, left), dot(rest, rest)) * way
        return (x, left, way), None

    rest = wanted - apply(x)
    return jax.lax.scan(step, (x, rest, rest), None, length=num_steps)[0][0]
