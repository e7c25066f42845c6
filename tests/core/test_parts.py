"""Parts of many masks: which composites are at once, that nothing is lost, and the refusal."""

import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core import parts


@pytest.mark.parametrize("limit", [3, 6, 7, 100])
def test_every_index_is_mapped_once_and_in_its_place(limit):
    found = parts.mapped(lambda i: jnp.stack([i, 10 * i]), 7, each=3, limit=limit)
    np.testing.assert_array_equal(found, [np.arange(7), 10 * np.arange(7)])


@pytest.mark.parametrize("limit", [3, 6, 7, 100])
def test_every_index_is_summed_once_and_no_part_is_larger_than_the_limit(limit):
    sizes = []

    def squares(indices, counted):
        sizes.append(3 * len(indices))
        return (counted * indices**2).sum()

    assert parts.summed(squares, 7, each=3, limit=limit) == sum(i**2 for i in range(7))
    assert max(sizes) <= limit


@pytest.mark.parametrize(("limit", "shape"), [(4, (15, 1)), (13, (5, 3)), (99, (1, 15))])
def test_equal_parts_are_as_few_as_fit(limit, shape):
    chunks = parts.equal(15, 2, 2, limit)
    assert chunks.shape == shape
    np.testing.assert_array_equal(chunks.reshape(-1), np.arange(15))


def test_no_limit_is_one_part():
    assert parts.equal(8, 3, 1, None).shape == (1, 8)


def test_a_limit_below_one_part_of_every_picture_is_refused_with_the_remedy():
    sentence = "3 images, each of which takes 4 at once; .* raise inner_batch_size to 12"
    with pytest.raises(ValueError, match=sentence):
        parts.equal(15, 3, 4, 11)
    parts.check_limit(3, 4, 12)
