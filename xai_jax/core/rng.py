"""Randomness that follows the picture: the same noise in any batch, order or shard."""

import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from xai_jax.core.types import AnyArray, ImageIds, PRNGKey, PRNGKeys

_ENOUGH = 2**15  # numbers that tell pictures apart; all of 224 x 224 would cost 2 % of a pass


def image_ids(images: np.ndarray) -> np.ndarray:
    """``[b]`` uint32 made from the pixels of ``[b h w c]`` float32 images, on the host.

    Of a large picture every few rows are enough. Two pictures with one id, which differ nowhere
    there, share their noise: that harms nothing.
    """
    every = max(1, images[0].size // _ENOUGH) if len(images) else 1
    rows = np.ascontiguousarray(images[:, ::every], dtype=np.float32)
    return np.array([zlib.crc32(row) for row in rows], np.uint32)


def example_keys(key: PRNGKey, image_id: ImageIds) -> PRNGKeys:
    """One key per image ``[b]``: re-batching or re-sharding leaves every image's draw unchanged."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(image_id)


def split_each(keys: PRNGKeys, num: int) -> Key[Array, "b n"]:
    """``[b]`` keys -> ``[b num]`` keys."""
    return jax.vmap(lambda key: jax.random.split(key, num))(keys)


def fold_each(keys: PRNGKeys, data: int | jax.Array) -> PRNGKeys:
    """``[b]`` keys, each folded with the same number (an optimisation step, say)."""
    return jax.vmap(lambda key: jax.random.fold_in(key, data))(keys)


def dropped(share: float, keys: PRNGKeys, place: int, x: AnyArray) -> AnyArray:
    """Dropout: `x` ``[b ...]`` without a share of its numbers, the others scaled up.

    Args:
        share: in [0, 1).
        keys: one a picture, so that a picture's draw does not depend on the batch.
        place: of `x` among all that are dropped under these keys.
        x: ``[b ...]``.
    """
    if not share:
        return x
    draw = functools.partial(jax.random.bernoulli, p=1.0 - share, shape=x.shape[1:])
    return jnp.where(jax.vmap(draw)(fold_each(keys, place)), x / (1.0 - share), 0.0)
