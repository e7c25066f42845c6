"""The smooth mask with all the cells that a pixel sees at once: for accelerators.

The formula is that of `smooth_mask`. An array of pixels times cells stands in no memory, neither
forward nor backward, if the compiler makes one loop of the exponentials and of the sum over them:
the backward pass makes them anew.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.methods.extremal.geometry import SHARPNESS, Geometry

Blocks = Float[Array, "n by sy bx sx"]  # a picture's pixels, in blocks that see the same cells


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def all_at_once(cells: Float[Array, "n gy gx"], geometry: Geometry) -> Blocks:
    """Smooth maxima over the cells around each pixel."""
    return _forward(cells, geometry)[0]


def _forward(cells, geometry: Geometry):
    value, share = _terms(_seen(cells, geometry), geometry)
    total = share.sum(axis=-1)
    mask = (value * share).sum(axis=-1) / total
    return mask, (cells, mask, total)


def _backward(geometry: Geometry, residuals, cotangent):
    """``d mask / d a_i = e^(20 a_i) / sum (1 + 20 (a_i - mask))`` and ``a_i = m_i k(d_i)``."""
    cells, mask, total = residuals
    seen, unfold = jax.vjp(lambda cells: _seen(cells, geometry), cells)
    value, share = _terms(seen, geometry)
    slope = 1.0 + SHARPNESS * (value - mask[..., None])
    terms = (cotangent / total)[..., None] * share * slope * _near(geometry)
    return unfold(terms.sum(axis=(2, 4)))  # over the phases, which see the same cells


all_at_once.defvjp(_forward, _backward)


def _seen(cells, geometry: Geometry) -> Float[Array, "n by bx k"]:
    """The cells that each block sees."""
    (by, bx), side = geometry.blocks, geometry.padding
    padded = jnp.pad(cells, ((0, 0), (side, side), (side, side)))
    window = range(geometry.window)
    return jnp.stack([padded[:, y : y + by, x : x + bx] for y in window for x in window], axis=-1)


def _terms(seen, geometry: Geometry):
    """``a`` and ``exp(20 a - 10)``, ``[n by sy bx sx k]``; a softmax ignores the shift."""
    value = seen[:, :, None, :, None, :] * _near(geometry)
    return value, jnp.exp(SHARPNESS * value - SHARPNESS / 2)


@functools.lru_cache(maxsize=16)
def _near(geometry: Geometry) -> np.ndarray:
    """``k(d)`` of each phase and cell, ``[sy 1 sx k]``."""
    first = geometry.step * geometry.padding - geometry.margin
    cells, phases = np.arange(geometry.window), np.arange(geometry.step)
    off = first + phases[:, None] - geometry.step * cells[None, :]  # [s c]
    pixels = np.hypot(off[:, None, :, None], off[None, :, None, :])  # [sy sx cy cx]
    return geometry.near(pixels).reshape(geometry.step, 1, geometry.step, -1)
