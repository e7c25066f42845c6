"""From a coarse grid to a smooth mask: each pixel is the smooth maximum of the cells around it.

Fong, Patrick, Vedaldi, "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
ICCV 2019. With cells m_i at d_i pixels from a pixel u, ``k(d) = exp(-2 max(d / sigma - 1/2, 0)^2)``
and ``a_i = m_i k(d_i)``, the mask at u is ``sum_i a_i exp(20 a_i) / sum_i exp(20 a_i)`` over the
square of cells around it.

Pixels come in blocks of ``step x step`` that see the same cells, and the weight of a cell depends
on two distances only, one along each axis. So the sums over the rows of the window and those over
its columns are taken one after the other, a shift by one cell is a slice of one long array, and
nothing is ever gathered or as large as pixels times cells. Internally maps are
``[sx sy n (by wx)]``: the place (phase) inside the block, the masks, and the blocks row by row,
each row as wide as the padded grid; its columns beyond the last block mean nothing.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.methods.extremal.all_cells import Blocks, all_at_once
from xai_jax.methods.extremal.geometry import SHARPNESS, Geometry

_HALVINGS = 4  # e^x = (e^(x / 16))^16


class _Axis:
    """Distances along one axis of a window: cell c lies ``pixels[place[c, s]]`` off phase s."""

    def __init__(self, geometry: Geometry):
        cells, phases = np.arange(geometry.window), np.arange(geometry.step)
        first = geometry.step * geometry.padding - geometry.margin
        pixels = np.abs(first + phases[None, :] - geometry.step * cells[:, None])  # [c s]
        self.pixels, place = np.unique(pixels, return_inverse=True)
        self.place = place.reshape(pixels.shape)

    def pairs(self, index: int) -> list[tuple[int, int]]:
        """The (cell, phase) at one distance: a mirrored pair, or one."""
        return [(int(c), int(s)) for c, s in np.argwhere(self.place == index)]


@functools.lru_cache(maxsize=16)
def _axis(geometry: Geometry) -> _Axis:
    return _Axis(geometry)


@functools.lru_cache(maxsize=16)
def _reach(geometry: Geometry) -> np.ndarray:
    """``k(d)`` as float32 ``[distance along y, distance along x]``."""
    pixels = _axis(geometry).pixels
    return geometry.near(np.hypot(pixels[:, None], pixels[None, :]))


def smooth_mask(grid: Float[Array, "b a gy gx 1"], geometry: Geometry) -> Float[Array, "b a y x 1"]:
    """The full mask in [0, 1] (see `Geometry.full`) of cells in [0, 1].

    On a CPU axis by axis, where exponentials are dear; elsewhere all cells of a pixel at once, in
    one fused sum, where it is the number of operations and what they move that is dear.
    """
    b, a, gy, gx, _ = grid.shape
    step, (by, bx) = geometry.step, geometry.blocks
    blocks = jax.lax.platform_dependent(
        grid.reshape(b * a, gy, gx),
        cpu=functools.partial(by_axes, geometry=geometry),
        default=functools.partial(all_at_once, geometry=geometry),
    )  # [n by sy bx sx]
    full = blocks.reshape(b, a, by * step, bx * step, 1)
    return full[:, :, : geometry.full[0], : geometry.full[1]]


def by_axes(cells: Float[Array, "n gy gx"], geometry: Geometry) -> Blocks:
    """Smooth maxima, the sums over rows and over columns one after the other."""
    step, (by, bx) = geometry.step, geometry.blocks
    pooled = _pooled(cells, geometry).reshape(step, step, len(cells), by, -1)
    return pooled[..., :bx].transpose(2, 3, 1, 4, 0)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _pooled(cells, geometry: Geometry):
    """Smooth maxima ``[sx sy n (by wx)]`` of cells ``[n gy gx]``."""
    return _pooled_forward(cells, geometry)[0]


def _pooled_forward(cells, geometry: Geometry):
    num, gy, _ = cells.shape
    sides = geometry.padding, geometry.padding
    flat = jnp.pad(cells, ((0, 0), (0, 0), sides)).reshape(num, gy * _width(geometry))
    flat = jnp.pad(flat, ((0, 0), (0, geometry.window - 1)))
    nothing = geometry.window * float(np.exp(-SHARPNESS / 2))  # a row of cells of value 0

    def of_phase(weights):  # one phase at a time along x, so that its sums stay in a CPU's cache
        numerator, denominator = _row_sums(flat, weights, geometry)
        denominator = _column_sums(denominator, geometry, nothing)
        return _column_sums(numerator, geometry, 0.0) / denominator, denominator

    weights = _reach(geometry)[:, _axis(geometry).place.T].swapaxes(0, 1)  # [sx distance cell]
    pooled, denominator = jax.lax.map(of_phase, jnp.asarray(weights))
    return pooled, (cells, pooled, denominator)


def _row_sums(flat, weights, geometry: Geometry):
    """Sums of ``a e^a`` and ``e^a`` over a row of the window: ``[distance n (gy wx)]`` each."""
    size = flat.shape[1] - (geometry.window - 1)

    def at_distance(weights):
        values = [flat[:, x : x + size] * weight for x, weight in enumerate(weights)]
        shares = [_shifted_exp(value) for value in values]
        return sum(v * s for v, s in zip(values, shares, strict=True)), sum(shares)

    return jax.lax.map(at_distance, weights)


def _column_sums(sums, geometry: Geometry, outside: float):
    """Sums over the rows of the window: ``[distance n (gy wx)]`` -> ``[sy n (by wx)]``."""
    width = _width(geometry)
    rows = geometry.padding * width
    padded = jnp.pad(sums, ((0, 0), (0, 0), (rows, rows)), constant_values=outside)
    size = geometry.blocks[0] * width

    def of_phase(places):
        rows = [jax.lax.dynamic_index_in_dim(padded, place, keepdims=False) for place in places]
        return sum(row[:, y * width : y * width + size] for y, row in enumerate(rows))

    return jax.lax.map(of_phase, jnp.asarray(_axis(geometry).place.T))


def _pooled_backward(geometry: Geometry, residuals, cotangent):
    """For each cell ``sum_u g_u k e^a / D_u (1 + 20 (a - mask_u))`` over the pixels u that see it.

    As the exponential depends on the cell and the distance only, the pixels' share is summed first.
    """
    cells, pooled, denominator = residuals
    num, gy, gx = cells.shape
    flat = jnp.pad(cells, ((0, 0), (0, 0), (0, 2 * geometry.padding))).reshape(num, -1)
    slope = SHARPNESS * cotangent / denominator
    offset = cotangent / denominator - slope * pooled
    over = _overhang(geometry)
    edges = over * (_width(geometry) + 1), over * _width(geometry) + geometry.padding
    slope, offset = (jnp.pad(x, ((0, 0), (0, 0), (0, 0), edges)) for x in (slope, offset))

    def at_distance(total, x):
        weights, pair, factor = x
        slopes = _rows_at(slope, pair, factor, geometry)  # [sx n (gy wx)]
        offsets = _rows_at(offset, pair, factor, geometry)
        for index in range(len(_axis(geometry).pixels)):
            value = flat * weights[index]
            share = weights[index] * _shifted_exp(value)
            at_slope = _columns_at(slopes, index, flat.shape[1], geometry)
            at_offset = _columns_at(offsets, index, flat.shape[1], geometry)
            total = total + share * (at_offset + value * at_slope)
        return total, None

    pairs, factors = _row_pairs(geometry)
    xs = jnp.asarray(_reach(geometry)), jnp.asarray(pairs), jnp.asarray(factors)
    total, _ = jax.lax.scan(at_distance, jnp.zeros_like(flat), xs)
    return (total.reshape(num, gy, -1)[..., :gx],)


_pooled.defvjp(_pooled_forward, _pooled_backward)


def _width(geometry: Geometry) -> int:
    """Of a row of blocks or cells, padding included."""
    return geometry.grid[1] + 2 * geometry.padding


def _overhang(geometry: Geometry) -> int:
    """By so many blocks a window reaches beyond the first block."""
    return max(geometry.window - 1 - geometry.padding, 0)


def _row_pairs(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Two (cell, phase) for each distance, and what each counts; a single one stands twice."""
    axis = _axis(geometry)
    found = [axis.pairs(index) for index in range(len(axis.pixels))]
    pairs = np.array([(pair * 2)[:2] for pair in found], np.int32)
    return pairs, np.array([len(pair) / 2 for pair in found], np.float32)


def _rows_at(blocks, pair, factor, geometry: Geometry):
    """For each row of cells the blocks' rows at a distance: ``[sx sy n ...]`` -> ``[sx n ...]``."""
    over, width = _overhang(geometry), _width(geometry)
    size = geometry.grid[0] * width + over + geometry.padding

    def one(cell, phase):
        rows = jax.lax.dynamic_index_in_dim(blocks, phase, axis=1, keepdims=False)
        first = (geometry.padding + over - cell) * width
        return jax.lax.dynamic_slice_in_dim(rows, first, size, axis=2)

    return factor * (one(*pair[0]) + one(*pair[1]))


def _columns_at(rows, index: int, size: int, geometry: Geometry):
    """For each cell the blocks at a distance in its rows: ``[sx n ...]`` -> ``[n (gy wx)]``."""
    first = geometry.padding + _overhang(geometry)
    seen = _axis(geometry).pairs(index)
    return sum(rows[phase, :, first - cell : first - cell + size] for cell, phase in seen)


def _shifted_exp(value):
    """``exp(20 value - 10)`` for values in [0, 1], to 6e-6 of itself; a softmax ignores the shift.

    A polynomial and four squarings take half the time of a library exponential, which must first
    reduce its argument; this is where the mask spends its time.
    """
    result = jnp.float32(_COEFFICIENTS[-1])
    for coefficient in _COEFFICIENTS[-2::-1]:
        result = result * value + jnp.float32(coefficient)
    for _ in range(_HALVINGS):
        result = result * result
    return result


def _coefficients(degree: int) -> np.ndarray:
    """Power series, lowest first, of the Chebyshev interpolant of the 16th root on [0, 1]."""
    root = np.polynomial.Chebyshev.interpolate(
        lambda x: np.exp((SHARPNESS * x - SHARPNESS / 2) / 2**_HALVINGS), degree, domain=[0, 1]
    )
    return root.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1]).coef


_COEFFICIENTS = _coefficients(degree=6)
