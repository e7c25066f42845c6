"""Random smooth masks, each by two small matrix products: a coarse grid, upsampled and shifted."""

import enum
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core.parts import Indices
from xai_jax.core.types import PRNGKey

Masks = Float[Array, "m h w"]


class Form(enum.Enum):
    """Whose upsampling it is; and what the weighed sum of the masks is divided by."""

    AUTHORS = "authors"  # by the number of masks times the share that they keep
    TORCHRAY = "torchray"  # by the number of masks


def drawn(
    form: Form,
    cells: int,
    keep_share: float,
    size: tuple[int, int],
    key: PRNGKey,
    indices: Indices,
) -> Masks:
    """The masks of these indices, in [0, 1], 1 = kept; a mask depends on its index and the key.

    Args:
        form: how a grid is upsampled.
        cells: of a grid, along each side.
        keep_share: of the cells, on average.
        size: height and width of the masks, pixels.
        key: of all masks.
        indices: which masks.
    """
    rows, columns = (_upsampling(form, pixels, cells) for pixels in size)

    def one(index):
        grid_key, shift_key = jax.random.split(jax.random.fold_in(key, index))
        grid = jax.random.bernoulli(grid_key, keep_share, (cells, cells)).astype(jnp.float32)
        most = jnp.array([_cell(pixels, cells) for pixels in size])
        top, left = jax.random.randint(shift_key, (2,), 0, most)
        down = jax.lax.dynamic_slice(jnp.asarray(rows), (top, 0), (size[0], cells))
        across = jax.lax.dynamic_slice(jnp.asarray(columns), (left, 0), (size[1], cells))
        return jnp.einsum("yi,ij,xj->yx", down, grid, across, precision=jax.lax.Precision.HIGHEST)

    return jax.vmap(one)(indices)


def _cell(pixels: int, cells: int) -> int:
    """Pixels of a cell before it is stretched: a mask is shifted by less than one."""
    return math.ceil(pixels / cells)


def _upsampling(form: Form, pixels: int, cells: int) -> Float[np.ndarray, "n g"]:
    """Bilinear from `cells` to a cell more than `pixels`, mirrored beyond the outer centres."""
    cell = _cell(pixels, cells)
    if form is Form.AUTHORS:
        zoom = (cells + 1) * cell / cells
    else:
        zoom = math.ceil((pixels + cell) / cells)
    place = (np.arange(pixels + cell) + 0.5) / zoom - 0.5
    low = np.floor(place).astype(int)
    matrix = np.zeros((len(place), cells), np.float32)
    for source, weight in ((low, 1 - (place - low)), (low + 1, place - low)):
        period = 2 * (cells - 1)
        mirrored = np.abs((source + cells - 1) % period - (cells - 1))
        np.add.at(matrix, (np.arange(len(place)), mirrored), weight)
    return matrix
