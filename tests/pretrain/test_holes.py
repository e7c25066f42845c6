"""The masks that infills are trained with: drawn by picture, and like those that methods make."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.pretrain import holes

KEYS = jax.random.split(jax.random.key(0), 400)


def test_masks_are_hard_and_each_follows_its_key():
    masks = holes.holes(KEYS[:12], 20, 30)
    assert masks.shape == (12, 20, 30, 1) and masks.dtype == jnp.float32
    assert set(np.unique(masks)) == {0.0, 1.0}
    np.testing.assert_array_equal(holes.holes(KEYS[5:7], 20, 30), masks[5:7])


def test_cells_are_four_pixels_wide_and_kept_by_the_share():
    cells = holes._cells(KEYS[0], jnp.float32(0.3), 256, 250)[..., 0]
    corners = cells[::4, ::4].repeat(4, axis=0).repeat(4, axis=1)[:256, :250]
    np.testing.assert_array_equal(cells, corners)
    # 4,032 draws: five standard errors.
    np.testing.assert_allclose(cells.mean(), 0.3, atol=5 * np.sqrt(0.21 / 4032))


def test_fields_go_from_speckles_to_whole_regions_around_the_share():
    def field(key):
        return holes._field(key, jnp.float32(0.25), 48, 48)[..., 0]

    masks = np.asarray(jax.vmap(field)(KEYS))
    np.testing.assert_allclose(masks.mean(), 0.25, atol=0.03)  # the share is met on average
    changes = np.abs(np.diff(masks, axis=1)).mean(axis=(1, 2)) / masks.mean(axis=(1, 2))
    # Of independent pixels neighbours differ with 2 * 0.75 of the share; of regions hardly.
    assert changes.max() > 1.3 and np.quantile(changes, 0.05) < 0.6


def test_rectangles_take_a_quarter_to_three_quarters_of_each_side():
    def rectangle(key):
        return holes._rectangle(key, jnp.float32(0.5), 40, 80)[..., 0]

    for mask in np.asarray(jax.vmap(rectangle)(KEYS[:50])):
        removed = mask == 0
        rows, columns = removed.any(axis=1), removed.any(axis=0)
        np.testing.assert_array_equal(removed, rows[:, None] & columns[None])
        assert 9 <= rows.sum() <= 31 and 19 <= columns.sum() <= 61
        assert np.abs(np.diff(rows.astype(int))).sum() <= 2  # one run
