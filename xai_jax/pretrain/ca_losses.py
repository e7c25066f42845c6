"""What DeepFill's generator and its critics are trained by (specs: FIDO, sec. 3.2)."""

import jax
import jax.numpy as jnp

from xai_jax.core.types import AnyArray, Maps, PerExample


def mean_where(values: AnyArray, where: Maps) -> PerExample:
    """Mean of ``[b h w c]`` over the pixels where ``[b h w 1]`` is 1; 0 where none is."""
    count = values.shape[-1] * where.sum((1, 2, 3))
    return (values * where).sum((1, 2, 3)) / jnp.maximum(count, 1.0)


def discount(keep: Maps, rate: float) -> Maps:
    """``rate ** d`` of each removed pixel, d its distance from the next known one less one.

    Distances are those of a king on a chess board; what lies beyond the border is known. For a
    rectangle ``d = min(i, j, h - 1 - i, w - 1 - j)`` at its place (i, j): far pixels, of which
    nobody can know, count little. Where pixels are known it is 0.
    """
    steps = max(keep.shape[1:3]) // 2 + 1

    def further(_, carry):
        known, weights, now = carry
        weights = jnp.where(known > 0, weights, now)
        padded = jnp.pad(known, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=1.0)
        window, strides = (1, 3, 3, 1), (1, 1, 1, 1)
        wider = jax.lax.reduce_window(padded, -jnp.inf, jax.lax.max, window, strides, "VALID")
        return wider, weights, now * rate

    begun = keep, jnp.zeros_like(keep), jnp.float32(1.0)
    return jax.lax.fori_loop(0, steps, further, begun)[1]
