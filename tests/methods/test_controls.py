"""Controls: SciPy's Sobel, a Gaussian in the middle, numbers that follow the picture."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.ndimage

from xai_jax.core.method import Frozen
from xai_jax.infills.constant import Constant
from xai_jax.methods import controls

HEIGHT, WIDTH = 10, 16


@pytest.fixture(scope="module")
def batch():
    whole = planted.quadrant_batch(3, WIDTH, jax.random.key(0))
    return whole.replace(images=whole.images[:, :HEIGHT])


def explain(settings, batch, key=0):
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=Constant().build(classifier))
    return jax.jit(settings.build().explain)((), frozen, batch, jax.random.key(key)).saliency


def test_edges_are_scipys_sobel_of_the_grey_picture(batch):
    grey = np.asarray(batch.images, np.float64).mean(axis=3)
    sobel = lambda axis: [scipy.ndimage.sobel(g, axis, mode="nearest") for g in grey]  # noqa: E731
    found = explain(controls.Edges(), batch)
    np.testing.assert_allclose(found[..., 0], np.hypot(sobel(0), sobel(1)), atol=1e-5)


def test_the_blob_is_one_gaussian_for_all_in_the_middle_of_each_side(batch):
    found = np.asarray(explain(controls.CentredBlob(width=0.2), batch))[..., 0]
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_allclose(found, found[:, ::-1, ::-1], rtol=1e-6)
    y, x = (HEIGHT / 2 - 0.5) / HEIGHT, (WIDTH / 2 - 0.5) / WIDTH  # of the corner, from the middle
    assert found[0, 0, 0] == pytest.approx(np.exp(-(y**2 + x**2) / (2 * 0.2**2)), rel=1e-4)


@pytest.mark.parametrize("grid", [None, 3])
def test_random_maps_differ_by_picture_and_key_and_not_by_company(batch, grid):
    found = explain(controls.Random(grid=grid), batch)
    alone = explain(controls.Random(grid=grid), planted.take(batch, slice(1, 2)))
    np.testing.assert_allclose(alone, found[1:2], atol=1e-6)
    assert not jnp.allclose(found[0], found[1])
    assert not jnp.allclose(found, explain(controls.Random(grid=grid), batch, key=1))
    assert found.min() >= 0 and found.max() <= 1


def test_not_dark_is_one_where_the_grey_picture_is_above_the_threshold(batch):
    found = np.asarray(explain(controls.NotDark(threshold=0.4), batch))[..., 0]
    np.testing.assert_array_equal(found, np.asarray(batch.images).mean(axis=3) > 0.4)
    assert 0 < found.mean() < 1
