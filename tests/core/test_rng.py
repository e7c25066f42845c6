"""Randomness follows the picture."""

import jax
import numpy as np

from xai_jax.core.rng import example_keys, image_ids


def test_ids_come_from_the_pixels_and_nothing_else():
    images = np.random.default_rng(0).random((3, 4, 5, 3)).astype(np.float32)
    ids = image_ids(images)
    assert ids.dtype == np.uint32 and len(set(ids.tolist())) == 3
    np.testing.assert_array_equal(image_ids(images[::-1]), ids[::-1])
    np.testing.assert_array_equal(image_ids(np.asfortranarray(images)), ids)
    changed = images.copy()
    changed[0, 0, 0, 0] += 1e-3
    assert image_ids(changed)[0] != ids[0]


def test_keys_follow_the_id_and_not_the_place():
    ids = np.array([5, 9, 2], np.uint32)
    data = jax.random.key_data(example_keys(jax.random.key(0), jax.numpy.asarray(ids)))
    again = jax.random.key_data(example_keys(jax.random.key(0), jax.numpy.asarray(ids[::-1])))
    np.testing.assert_array_equal(data, again[::-1])
    assert len({tuple(row) for row in np.asarray(data).tolist()}) == 3
