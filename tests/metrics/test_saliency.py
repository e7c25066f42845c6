"""Saliency of constant masks against the analytic table."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from xai_jax.metrics.saliency import saliency

LOGITS = jnp.array([[2.0, 0.0, -1.0, 0.5], [-40.0, 3.0, 3.0, 1.0]])
COUNTS = jnp.array([[1, 0, 0, 1], [1, 0, 0, 0]])
PROBS = scipy.special.softmax(np.asarray(LOGITS, np.float64), axis=1)


@pytest.mark.parametrize(
    ("value", "log_area"), [(0.0, -2.99573), (0.02, -2.99573), (0.5, np.log(0.5)), (1.0, 0.0)]
)
def test_the_saliency_of_a_constant_mask_is_its_log_area_less_the_log_probability(value, log_area):
    found = saliency(jnp.full((2, 5, 5, 1), value), LOGITS, COUNTS)
    expected = log_area - np.log([PROBS[0, 0] + PROBS[0, 3], PROBS[1, 0]])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_class_counts_as_often_as_it_is_in_the_picture():
    keep = jnp.ones((1, 3, 3, 1))
    twice = saliency(keep, LOGITS[:1], jnp.array([[2, 0, 0, 1]]))
    np.testing.assert_allclose(twice, [-np.log(2 * PROBS[0, 0] + PROBS[0, 3])], rtol=1e-5)


def test_a_picture_without_a_class_has_no_saliency_and_is_left_out_of_the_mean():
    found = saliency(jnp.ones((1, 3, 3, 1)), LOGITS[:1], jnp.zeros((1, 4)))
    np.testing.assert_array_equal(found, [np.nan])
