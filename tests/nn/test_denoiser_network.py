"""The denoiser: known pixels stay, sides of any length, and the parameters that were allowed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.nn import denoiser
from xai_jax.nn.denoiser import Network

IMAGES = jax.random.uniform(jax.random.key(0), (2, 24, 20, 3))
SMALL = Network(width=4, num_blocks=1).build()
VARIABLES = SMALL.init(jax.random.key(1), IMAGES, IMAGES[..., :1])


def test_it_has_at_most_300_000_parameters():
    shapes = jax.eval_shape(
        Network().build().init, jax.random.key(0), IMAGES[:1], IMAGES[:1, ..., :1]
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 256_620


def test_a_pixel_without_noise_is_answered_as_it_is():
    level = jnp.zeros_like(IMAGES[..., :1]).at[:, 5:9, 5:9].set(0.3)
    found = SMALL.apply(VARIABLES, IMAGES, level)
    known = np.broadcast_to(level == 0, IMAGES.shape)
    np.testing.assert_allclose(found[known], IMAGES[known], atol=1e-6)
    assert (np.abs(found - IMAGES)[~known] > 1e-3).any()


def test_what_the_network_says_is_taken_off_in_units_of_the_level():
    ones = jax.tree.map(jnp.zeros_like, VARIABLES)
    ones["params"]["last"]["bias"] += 1.0
    level = jnp.full_like(IMAGES[..., :1], 0.3).at[:, :4].set(0.0)
    expected = np.where(np.arange(24)[:, None, None] < 4, IMAGES, IMAGES - 0.3)
    np.testing.assert_allclose(SMALL.apply(ones, IMAGES, level), expected, atol=1e-6)


def test_cells_and_pixels_undo_each_other_and_keep_neighbours_together():
    x = jnp.arange(2.0 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    packed = denoiser.cells(x)
    np.testing.assert_array_equal(packed[0, 1, 2], np.asarray(x[0, 2:4, 4:6]).ravel())
    np.testing.assert_array_equal(denoiser.pixels(packed), x)


@pytest.mark.parametrize("height, width", [(24, 20), (23, 17), (3, 5)])
def test_sides_of_any_length_are_as_if_their_last_pixels_were_repeated(height, width):
    images, level = IMAGES[:, :height, :width], jnp.full((2, height, width, 1), 0.2)
    pads = ((0, 0), (0, -height % 4), (0, -width % 4), (0, 0))
    wide = SMALL.apply(VARIABLES, jnp.pad(images, pads, mode="edge"), jnp.pad(level, pads, "edge"))
    found = SMALL.apply(VARIABLES, images, level)
    np.testing.assert_allclose(found, wide[:, :height, :width], atol=1e-6)
