"""RISE against a slow form in NumPy, with masks that SciPy upsamples."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.ndimage
from scipy.special import expit, softmax

from xai_jax.core.method import Frozen
from xai_jax.infills.constant import Mean
from xai_jax.methods import rise
from xai_jax.methods.rise import masks

HEIGHT, WIDTH, CELLS, NUM, SHARE = 10, 12, 4, 30, 0.4


@pytest.fixture(scope="module")
def batch():
    whole = planted.quadrant_batch(2, WIDTH, jax.random.key(0))
    return whole.replace(images=whole.images[:, 1 : 1 + HEIGHT])


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    classifier = planted.quadrant(gain=4.0).replace(mean=jnp.array([0.4]), std=jnp.array([0.5]))
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


def explain(settings, frozen, batch):
    return jax.jit(settings.build().explain)((), frozen, batch, jax.random.key(5)).saliency


def slow_mask(form: rise.Form, key, index: int) -> np.ndarray:
    """One mask: a grid of 0 and 1, mirrored beyond its outer centres, bilinear, shifted, cut."""
    grid_key, shift_key = jax.random.split(jax.random.fold_in(key, index))
    grid = np.asarray(jax.random.bernoulli(grid_key, SHARE, (CELLS, CELLS)), np.float64)
    sides = [math.ceil(n / CELLS) for n in (HEIGHT, WIDTH)]
    shift = np.asarray(jax.random.randint(shift_key, (2,), 0, jnp.array(sides)))
    at = []
    for pixels, cell, begin in zip((HEIGHT, WIDTH), sides, shift, strict=True):
        zoom = (CELLS + 1) * cell / CELLS
        if form is rise.Form.TORCHRAY:
            zoom = math.ceil((pixels + cell) / CELLS)
        at.append((begin + np.arange(pixels) + 0.5) / zoom - 0.5)
    rows, columns = np.meshgrid(*at, indexing="ij")
    return scipy.ndimage.map_coordinates(grid, [rows, columns], order=1, mode="mirror")


@pytest.mark.parametrize("form", rise.Form)
def test_the_masks_are_scipys_and_lie_in_the_unit_interval(form):
    key = jax.random.key(5)
    draw = lambda indices: masks.drawn(form, CELLS, SHARE, (HEIGHT, WIDTH), key, indices)  # noqa: E731
    found = jax.jit(draw)(jnp.arange(NUM))
    wanted = [slow_mask(form, key, i) for i in range(NUM)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found.min() >= 0 and found.max() <= 1 + 1e-6
    assert abs(float(found.mean()) - SHARE) < 0.1


@pytest.mark.parametrize("settings", [{}, {"form": "torchray", "score": "sigmoid"}])
def test_the_map_is_the_slow_weighed_sum_of_the_masks(frozen, batch, settings):
    cfg = rise.Config(num_masks=NUM, cells=CELLS, keep_share=SHARE, inner_batch_size=16, **settings)
    found = explain(cfg, frozen, batch)
    classifier, images = frozen.classifier, np.asarray(batch.images, np.float64)
    wanted = np.zeros((2, HEIGHT, WIDTH))
    for index in range(NUM):
        mask = slow_mask(cfg.form, jax.random.key(5), index)
        eaten = mask[None, :, :, None] * (images - 0.4) / 0.5
        logits = classifier.apply_fn(classifier.params, jnp.asarray(eaten, jnp.float32))
        shares = expit(logits) if settings else softmax(np.asarray(logits), axis=1)
        wanted += shares[np.arange(2), np.asarray(batch.target)][:, None, None] * mask
    wanted /= NUM if settings else NUM * SHARE
    np.testing.assert_allclose(found[..., 0], wanted, rtol=1e-4)


def test_torchrays_cells_are_37_pixels_and_the_authors_less():
    torchray = masks._upsampling(rise.Form.TORCHRAY, 224, 7)
    authors = masks._upsampling(rise.Form.AUTHORS, 224, 7)
    assert torchray.shape == authors.shape == (256, 7)
    # Pixels whose nearest cell is the second: from the middle of one border to that of the next.
    assert (torchray.argmax(axis=1) == 1).sum() == 37
    assert (authors.argmax(axis=1) == 1).sum() in (36, 37)
    np.testing.assert_allclose(torchray.sum(axis=1), 1.0, rtol=1e-6)


def test_parts_and_other_pictures_leave_the_map_as_it_is(frozen, batch):
    whole = explain(rise.Config(num_masks=NUM, cells=CELLS), frozen, batch)
    small = rise.Config(num_masks=NUM, cells=CELLS, inner_batch_size=7)
    alone = explain(small, frozen, planted.take(batch, slice(1, 2)))
    np.testing.assert_allclose(alone, whole[1:], rtol=1e-5)
