"""What SEAN is measured on: label maps of stripes, noise, and weights drawn at random."""

import jax
import jax.numpy as jnp
import optax

from xai_jax.nn.sean import Sean

FULL = Sean(regions=tuple(f"part {i}" for i in range(19)))  # of faces, as published
LIGHT = Sean(regions=FULL.regions, width=16, style=128, hidden=0)


def variables(settings: Sean, side: int):
    """Of a network that has never learned, with kernels that are not small."""
    num = len(settings.regions)
    image, one_hot = jnp.zeros((1, side, side, 3)), jnp.zeros((1, side, side, num))
    keys = jax.random.split(jax.random.key(0), 1)
    init = jax.jit(settings.build().init)
    made = init(jax.random.key(0), image, one_hot, keys)
    params = jax.tree.map(lambda x: 20.0 * x if x.ndim > 2 else x, made["params"])
    return {**made, "params": params}


def one_hot(settings: Sean, num: int, side: int):
    """``[num side side n]``: stripes of all regions, each picture's at its own place."""
    regions = len(settings.regions)
    columns = (jnp.arange(side) * regions // side + jnp.arange(num)[:, None]) % regions
    return jax.nn.one_hot(jnp.broadcast_to(columns[:, None], (num, side, side)), regions)


def images(num: int, side: int):
    """Noise in [-1, 1]."""
    return jax.random.uniform(jax.random.key(1), (num, side, side, 3), minval=-1.0)


def off(found, wanted) -> float:
    """How long the difference of two gradients is, as a share of the second one.

    A gradient jumps where a leaky ReLU bends, so that rounding alone may come to 1e-3.
    """
    difference = jax.tree.map(jnp.subtract, found, wanted)
    return float(optax.global_norm(difference) / optax.global_norm(wanted))
