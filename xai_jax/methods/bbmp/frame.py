"""Jitter: each step sees a window of the enlarged picture, its frame, from another corner."""

import jax
import jax.numpy as jnp

from xai_jax.core.types import Maps, PRNGKeys


def corners(jitter: int, keys: PRNGKeys) -> jax.Array:
    """Upper left corner of each picture's window in its frame, ``[b 2]`` in 0 ... jitter - 1."""
    if not jitter:
        return jnp.zeros((len(keys), 2), jnp.int32)
    return jax.vmap(lambda key: jax.random.randint(key, (2,), 0, jitter))(keys)


def bordered(maps: Maps, by: int) -> jax.Array:
    """With `by` pixels of 1 around: ``[b h w 1]`` -> ``[b h+2by w+2by 1]``."""
    return jnp.pad(maps, ((0, 0), (by, by), (by, by), (0, 0)), constant_values=1.0)


def window(images: jax.Array, corner: jax.Array, size: tuple[int, ...]) -> jax.Array:
    """``[b H W c]`` -> ``[b h w c]``, each from its own corner."""
    if images.shape[1:3] == tuple(size):
        return images

    def one(image, corner):
        return jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), (*size, image.shape[-1]))

    return jax.vmap(one)(images, corner)
