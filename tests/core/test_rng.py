"""Randomness follows the picture."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.rng import dropped, example_keys, image_ids


def test_ids_come_from_the_pixels_and_nothing_else():
    images = np.random.default_rng(0).random((3, 4, 5, 3)).astype(np.float32)
    ids = image_ids(images)
    assert ids.dtype == np.uint32 and len(set(ids.tolist())) == 3
    np.testing.assert_array_equal(image_ids(images[::-1]), ids[::-1])
    np.testing.assert_array_equal(image_ids(np.asfortranarray(images)), ids)
    changed = images.copy()
    changed[0, 0, 0, 0] += 1e-3
    assert image_ids(changed)[0] != ids[0]


def test_a_large_picture_is_known_by_some_of_its_rows_wherever_they_differ_for_long():
    images = np.repeat(np.random.default_rng(0).random((1, 224, 224, 3), np.float32), 3, axis=0)
    images[1, 100:104] += 1e-3  # a band of four rows, wherever it lies
    images[2, 217:221] += 1e-3
    ids = image_ids(images)
    assert len(set(ids.tolist())) == 3 and len(image_ids(images[:0])) == 0


def test_keys_follow_the_id_and_not_the_place():
    ids = np.array([5, 9, 2], np.uint32)
    data = jax.random.key_data(example_keys(jax.random.key(0), jnp.asarray(ids)))
    again = jax.random.key_data(example_keys(jax.random.key(0), jnp.asarray(ids[::-1])))
    np.testing.assert_array_equal(data, again[::-1])
    assert len({tuple(row) for row in np.asarray(data).tolist()}) == 3


def test_dropout_leaves_out_its_share_and_scales_up_the_rest():
    keys = jax.random.split(jax.random.key(0), 4)
    x = jnp.full((4, 5000), 3.0)
    out = np.asarray(dropped(0.25, keys, 0, x))
    np.testing.assert_allclose(out[out != 0], 4.0, rtol=1e-6)
    np.testing.assert_allclose((out == 0).mean(1), 0.25, atol=0.03)
    assert not np.array_equal(out[0], out[1])  # each picture by itself
    assert not np.array_equal(out, dropped(0.25, keys, 1, x))  # and each place
