"""Many masks, noises or steps of each picture, a part at a time: memory is bounded by the part."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core.types import PyTree

Indices = Int[Array, "m"]
Counted = Float[Array, "m"]


def check_limit(num_images: int, each: int, limit: int) -> None:
    """Refuses a limit in which not even one part of every picture fits.

    Args:
        num_images: rows of the batch.
        each: composites that the smallest part of one picture takes.
        limit: composites that may go through the classifier at once.

    Raises:
        ValueError: they are more.
    """
    if num_images * each > limit:
        raise ValueError(
            f"inner_batch_size {limit} is smaller than the batch of {num_images} images, each of "
            f"which takes {each} at once; lower the batch size or raise inner_batch_size to "
            f"{num_images * each}."
        )


def _parts(num: int, each: int, limit: int) -> Int[np.ndarray, "n m"]:
    """The indices below `num` in equal parts; those that fill the last one up are not below."""
    num_parts = math.ceil(num / max(limit // each, 1))
    size = math.ceil(num / num_parts)
    return np.arange(num_parts * size).reshape(num_parts, size)


def equal(num: int, num_images: int, each: int, limit: int | None) -> Int[Array, "n m"]:
    """The indices 0 ... num - 1 in as few equal parts as fit: `core.optimise`'s chunks.

    Args:
        num: of indices.
        num_images: rows of the batch.
        each: composites that one index of one image takes.
        limit: composites that may go through the classifier at once; ``None``: any number.

    Raises:
        ValueError: not even one index of every image fits.
    """
    if limit is None:
        return jnp.arange(num)[None]
    check_limit(num_images, each, limit)
    fitting = min(limit // (num_images * each), num)
    size = max(n for n in range(1, fitting + 1) if num % n == 0)
    return jnp.arange(num).reshape(-1, size)


def mapped(fn: Callable[[Indices], PyTree], num: int, *, each: int, limit: int) -> PyTree:
    """``fn(indices [m]) -> [b m ...]`` of the indices 0 ... num - 1, side by side: ``[b num ...]``.

    Args:
        fn: of some of the indices; those beyond the last are the last.
        num: of indices.
        each: composites that one index takes, those of all images together.
        limit: composites that may go through the classifier at once.
    """
    parts = np.minimum(_parts(num, each, limit), num - 1)

    def merged(found):  # [n b m ...]
        side = jnp.moveaxis(found, 0, 1)
        return side.reshape(side.shape[0], -1, *side.shape[3:])[:, :num]

    return jax.tree.map(merged, jax.lax.map(fn, jnp.asarray(parts)))


def summed(fn: Callable[[Indices, Counted], PyTree], num: int, *, each: int, limit: int) -> PyTree:
    """The sum of ``fn(indices [m], counted [m])`` over parts of the indices 0 ... num - 1.

    Args:
        fn: sums over its indices itself, each times `counted`, which is 0 for those that only fill
            up the last part and 1 for the others.
        num: of indices.
        each: composites that one index takes, those of all images together.
        limit: composites that may go through the classifier at once.
    """
    parts = _parts(num, each, limit)
    indices = jnp.asarray(np.minimum(parts, num - 1))
    counted = jnp.asarray(parts < num, jnp.float32)
    if len(parts) == 1:
        return fn(indices[0], counted[0])
    shapes = jax.eval_shape(fn, indices[0], counted[0])
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

    def add(sums, part):
        return jax.tree.map(jnp.add, sums, fn(*part)), None

    return jax.lax.scan(add, zeros, (indices, counted))[0]
