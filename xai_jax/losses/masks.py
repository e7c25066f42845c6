"""Penalties on masks. All take maps ``[b h w 1]`` and return ``[b]``."""

import jax.numpy as jnp

from xai_jax.core.types import Maps, PerExample


def area(maps: Maps) -> PerExample:
    """Mean over the pixels; for a keep mask the share of the image kept, in [0, 1]."""
    return maps.mean(axis=(1, 2, 3))


def total(maps: Maps) -> PerExample:
    """Sum over the pixels; for a keep mask the number of pixels kept."""
    return maps.sum(axis=(1, 2, 3))


def squared_variation(maps: Maps) -> PerExample:
    """Sum of squared steps between neighbours, both axes (FIDO's smoothness term)."""
    down = jnp.square(jnp.diff(maps, axis=1)).sum(axis=(1, 2, 3))
    across = jnp.square(jnp.diff(maps, axis=2)).sum(axis=(1, 2, 3))
    return down + across
