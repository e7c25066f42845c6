"""From a coarse grid to a mask of the picture, and where the grid starts."""

import enum

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core.image import (
    bounded,
    gaussian_blur,
    resize_align_corners,
    separable,
    unit_range,
)
from xai_jax.core.types import Maps

Grid = Float[Array, "b g g 1"]

_RADII = np.arange(0, 171, 5)  # pixels of a picture of 224
_SOFTNESS = 10.0  # standard deviation of the discs' blur, pixels of a picture of 224


class Upsampling(enum.Enum):
    """How a cell becomes pixels."""

    NEAREST = "nearest"  # blocks
    BILINEAR = "bilinear"  # the corner cells on the corner pixels


def upsampled(grid: Grid, size: tuple[int, int], upsampling: Upsampling) -> Float[Array, "b h w 1"]:
    """The grid at `size` (height, width) pixels, each by two matrix products."""
    if upsampling is Upsampling.BILINEAR:
        return resize_align_corners(grid, *size)
    return separable(grid, *(_nearest_matrix(pixels, grid.shape[1]) for pixels in size))


def _nearest_matrix(pixels: int, cells: int) -> Float[np.ndarray, "n m"]:
    """1 where a pixel lies in a cell; its transpose sums over the cell's pixels."""
    cell = (np.arange(pixels) * cells) // pixels
    return (cell[:, None] == np.arange(cells)[None, :]).astype(np.float32)


def keep_mask(
    grid: Grid, size: tuple[int, int], upsampling: Upsampling, blur: float, skip_gradient: bool
) -> Float[Array, "b h w 1"]:
    """The keep mask in [0, 1]: upsampled, then blurred by `blur` pixels.

    With `skip_gradient` the gradient passes by the blur, as in the authors' code: the gradient of
    a cell is the sum of those of its own pixels.
    """
    plain = upsampled(grid, size, upsampling)
    if blur <= 0:
        return bounded(plain)
    if not skip_gradient:
        return bounded(gaussian_blur(plain, blur))
    blurred = bounded(gaussian_blur(jax.lax.stop_gradient(plain), blur))
    return blurred + (plain - jax.lax.stop_gradient(plain))  # adds nothing but the gradient


def disc_radii(size: tuple[int, int]) -> np.ndarray:
    """Radii of the discs of the circular start, in pixels; the last disc covers the picture."""
    return _RADII * (min(size) / 224.0)


def removed_disc(radius: Float[Array, ""], size: tuple[int, int]) -> Maps:
    """``[1 h w 1]``: 1 on a soft disc around the pixel that follows the middle of the picture."""
    rows, columns = (np.arange(pixels) - pixels // 2 for pixels in size)
    distance = np.hypot(rows[:, None], columns[None, :])[None, :, :, None]
    disc = jnp.asarray(distance < radius, jnp.float32)
    blurred = gaussian_blur(disc, _SOFTNESS * min(size) / 224.0, padding="symmetric")
    return bounded(blurred)


def cells_of(maps: Maps, cells: int) -> Grid:
    """The pixel in the middle of each cell, of maps that are stretched to [0, 1] before.

    As the resize in the authors' code does.
    """
    maps = unit_range(maps)
    rows, columns = (
        ((np.arange(cells) + 0.5) * pixels / cells).astype(int) for pixels in maps.shape[1:3]
    )
    return maps[:, rows][:, :, columns]
