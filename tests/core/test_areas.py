"""Ranks and area levels."""

import jax.numpy as jnp
import numpy as np

from xai_jax.core.areas import AREAS, most_salient, num_kept, ranks


def test_ranks_count_from_the_most_salient_and_ties_go_in_reading_order():
    saliency = jnp.array([[0.5, 2.0], [0.5, -1.0]]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(ranks(saliency)[0, :, :, 0], [[1, 0], [2, 3]])


def test_a_share_keeps_exactly_its_number_of_pixels_even_on_a_flat_map():
    flat = ranks(jnp.zeros((1, 224, 224, 1)))
    for share in AREAS:
        assert most_salient(flat, share).sum() == num_kept(share, 224 * 224)
    assert AREAS[-1] == 1.0 and len(AREAS) == 20
    assert num_kept(AREAS[0], 16) == 1
