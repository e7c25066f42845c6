"""Penalties on masks. All take maps ``[b h w 1]`` and return ``[b]``."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from xai_jax.core.types import AnyArray, Maps, PerExample
from xai_jax.losses.absolute import absolute

Counts = Int[Array, "b"]


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


def mean_variation(maps: Maps) -> PerExample:
    """Mean over the pixels of the steps to the right and down, in absolute value; in [0, 2].

    The border is reflected: at the last column (row) the step to the one before is taken again
    (Stalder et al. 2022).
    """
    return _mean_steps(absolute(jnp.diff(maps, axis=1)), absolute(jnp.diff(maps, axis=2)))


def mean_squared_variation(maps: Maps) -> PerExample:
    """As `mean_variation`, of the squares of the steps; in [0, 2]."""
    return _mean_steps(jnp.square(jnp.diff(maps, axis=1)), jnp.square(jnp.diff(maps, axis=2)))


def _mean_steps(down: AnyArray, across: AnyArray) -> PerExample:
    """Sum of the steps, those at the far border twice, over the number of pixels."""
    pixels = (down.shape[1] + 1) * down.shape[2]
    steps = down.sum(axis=(1, 2, 3)) + across.sum(axis=(1, 2, 3))
    border = down[:, -1:].sum(axis=(1, 2, 3)) + across[:, :, -1:].sum(axis=(1, 2, 3))
    return (steps + border) / pixels


def bordered_squared_variation(maps: Maps, border_weight: float) -> PerExample:
    """`squared_variation` plus `border_weight` times the squares of the border's own values.

    Halved, as the smoothness term of Dabkowski & Gal's code. A corner belongs to two borders.
    """
    borders = maps[:, 0], maps[:, -1], maps[:, :, 0], maps[:, :, -1]
    edge = sum(jnp.square(border).sum(axis=(1, 2)) for border in borders)
    return 0.5 * (squared_variation(maps) + border_weight * edge)


def rooted_area(maps: Maps, power: float, offset: float) -> PerExample:
    """Mean of ``(m + offset)^power``: presses small values to 0 (Dabkowski & Gal's code)."""
    return ((maps + offset) ** power).mean(axis=(1, 2, 3))


def variation(maps: Maps, power: float) -> PerExample:
    """Sum of ``(dx^2 + dy^2)^(power / 2)``; steps to the next pixel, 0 at the last row and column.

    The total variation of Fong & Vedaldi 2017 (their beta is `power`); its gradient is 0 on flat
    parts whatever the power.
    """
    down = jnp.pad(jnp.diff(maps, axis=1), ((0, 0), (0, 1), (0, 0), (0, 0)))
    across = jnp.pad(jnp.diff(maps, axis=2), ((0, 0), (0, 0), (0, 1), (0, 0)))
    squared = jnp.square(down) + jnp.square(across)
    steep = squared > 0
    length = jnp.where(steep, squared, 1.0) ** (power / 2)  # a power below 2 has no slope at 0
    return jnp.where(steep, length, 0.0).sum(axis=(1, 2, 3))


def area_deviation(maps: Maps, num_dark: Counts) -> PerExample:
    """Distance from a hard mask of a given area: ``mean((sort(m) - r)^2)``, r = 0 ... 0 1 ... 1.

    The area term of Fong et al. 2019. The sorted mask is not needed, only which pixels are among
    the brightest, so that a selection does; equal pixels at the limit share the bright places that
    are left, where a sort would favour some of them.

    Args:
        maps: in [0, 1], fewer than 2^24 pixels.
        num_dark: number of zeros in r.
    """
    flat = maps.reshape(maps.shape[0], -1)  # [b hw]
    bright = brightest(flat, flat.shape[1] - num_dark)
    squares = bright * (1.0 - flat) ** 2 + (1.0 - bright) * flat**2
    return row_sums(squares)[:, 0] / flat.shape[1]


def brightest(values: Float[Array, "b n"], num_bright: Counts) -> Float[Array, "b n"]:
    """1 for the `num_bright` largest values of each row, 0 for the others; no gradient.

    Equal values at the limit share the places that are left.

    Args:
        values: in [0, 1], fewer than 2^24 a row.
        num_bright: 0 to n.
    """
    values = jax.lax.stop_gradient(values).astype(jnp.float32)
    limit = _ranked(values, values.shape[1] - num_bright)[:, None]
    above, level = (values > limit).astype(jnp.float32), (values == limit).astype(jnp.float32)
    left = num_bright[:, None] - row_sums(above)
    return above + level * (left / jnp.maximum(row_sums(level), 1.0))


def _ranked(values: Float[Array, "b n"], rank: Counts) -> PerExample:
    """The value with `rank` others before it in order, of values >= 0; exact.

    By bisection on the bits, in thirty counts; a CPU sorts 67,600 pixels in forty times that time.
    """
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)  # ordered as the values are

    def with_bit(index, found):
        candidate = found | (1 << (29 - index))
        smaller = (bits < candidate[:, None]).astype(jnp.float32)
        return jnp.where(row_sums(smaller)[:, 0] <= rank, candidate, found)

    found = jax.lax.fori_loop(0, 30, with_bit, jnp.zeros(values.shape[0], jnp.int32))
    return jax.lax.bitcast_convert_type(found, jnp.float32)


def row_sums(values: Float[Array, "b n"]) -> Float[Array, "b 1"]:
    """Sums over the last axis as a product with ones, which XLA does faster than a sum on a CPU."""
    ones = jnp.ones((values.shape[1], 1))
    return jnp.dot(values, ones, precision=jax.lax.Precision.HIGHEST)
