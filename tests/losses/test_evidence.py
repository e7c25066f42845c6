"""Terms on the classifier's answers against NumPy, SciPy and numbers worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from xai_jax.losses import evidence

LOGITS = jnp.array([[2.0, -1.0, 0.5], [-30.0, 4.0, 3.0]])
LABELS = jnp.array([[1, 0, 1], [0, 1, 0]])


def test_binary_cross_entropy_is_the_mean_over_the_classes():
    p = scipy.special.expit(np.asarray(LOGITS, np.float64))
    expected = -np.where(LABELS, np.log(p), np.log1p(-p)).mean(axis=1)
    loss = evidence.binary_cross_entropy(LOGITS, LABELS)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_binary_cross_entropy_stays_finite_where_a_probability_rounds_to_zero():
    loss = evidence.binary_cross_entropy(jnp.array([[-200.0, 200.0]]), jnp.array([[1, 0]]))
    np.testing.assert_allclose(loss, [200.0])


def test_cross_entropy_is_minus_the_log_of_the_softmax_at_the_target():
    expected = -scipy.special.log_softmax(LOGITS, axis=1)[[0, 1], [2, 1]]
    np.testing.assert_allclose(
        evidence.cross_entropy(LOGITS, jnp.array([2, 1])), expected, rtol=1e-6
    )


@pytest.mark.parametrize(("classes", "published"), [(20, -0.14979), (91, -0.04957)])
def test_the_inverse_mask_term_of_uniform_logits_is_the_published_minimum(classes, published):
    loss = evidence.negative_entropy(jnp.full((2, classes), 3.0))
    np.testing.assert_allclose(loss, [-np.log(classes) / classes] * 2, rtol=1e-6)
    np.testing.assert_allclose(loss, published, atol=5e-6)


def test_the_inverse_mask_term_is_the_entropy_over_the_classes_and_at_most_zero():
    p = scipy.special.softmax(np.asarray(LOGITS, np.float64), axis=1)
    loss = evidence.negative_entropy(LOGITS)
    np.testing.assert_allclose(loss, -scipy.stats.entropy(p, axis=1) / 3, rtol=1e-5)
    certain = jnp.array([[500.0, 0.0, 0.0]])
    value, gradient = jax.value_and_grad(lambda z: evidence.negative_entropy(z).sum())(certain)
    assert value == 0.0 and np.isfinite(gradient).all()


def test_evidence_that_is_lacking_or_left_is_averaged_over_the_classes_in_the_image():
    p = scipy.special.expit(np.asarray(LOGITS, np.float64))
    log_probs = jax.nn.log_sigmoid(LOGITS)
    lacking = evidence.lacking_evidence(log_probs, LABELS)
    left = evidence.remaining_evidence(log_probs, LABELS, power=0.3)
    seen = evidence.presence(LOGITS, LABELS)
    expected = [-(np.log(p[0, 0]) + np.log(p[0, 2])) / 2, -np.log(p[1, 1])]
    np.testing.assert_allclose(lacking, expected, rtol=1e-6)
    np.testing.assert_allclose(left, [((p[0, 0] + p[0, 2]) / 2) ** 0.3, p[1, 1] ** 0.3], rtol=1e-6)
    expected = [-(np.log(1 - p[0, 0]) + np.log(1 - p[0, 2])) / 2, -np.log(1 - p[1, 1])]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


def test_an_image_without_a_class_adds_nothing_and_no_nan():
    none = jnp.zeros((1, 3))

    def both(logits):
        log_probs = jax.nn.log_sigmoid(logits)
        lacking = evidence.lacking_evidence(log_probs, none)
        left = evidence.remaining_evidence(log_probs, none, power=0.3)
        return (lacking + left + evidence.presence(logits, none)).sum()

    value, gradient = jax.value_and_grad(both)(LOGITS[:1])
    assert value == 0.0
    np.testing.assert_array_equal(gradient, jnp.zeros((1, 3)))


def test_what_is_left_has_a_finite_slope_where_almost_nothing_is():
    def left(logit):
        log_probs = jax.nn.log_sigmoid(logit[None, None])
        return evidence.remaining_evidence(log_probs, jnp.ones((1, 1)), power=0.3)[0]

    value, slope = jax.value_and_grad(left)(jnp.float32(-150.0))  # p itself is 0 in float32
    np.testing.assert_allclose([value, slope], [np.exp(-45), 0.3 * np.exp(-45)], rtol=1e-5)


def test_margins_are_measured_from_the_best_of_the_other_classes():
    logits = jnp.array([[3.0, 1.0, 2.5], [3.0, 1.0, 2.5], [3.0, 1.0, 2.5], [9.0, 1.0, 2.5]])
    target, fake = jnp.array([0, 1, 0, 0]), jnp.array([0, 0, 1, 1])
    # The leads are 0.5, -2, 0.5 and 6.5.
    preserve = evidence.preservation_margin(logits, target, fake)
    np.testing.assert_allclose(preserve, [1 - 0.5, 1 + 2, 1 + 0.5, 1 + 6.5])
    destroy = evidence.destruction_margin(logits, target, fake)
    np.testing.assert_allclose(destroy, [5 + 0.5, 5 - 2, 1 - 0.5, 0])


def test_a_single_logit_is_in_doubt_as_a_coin_is():
    found = evidence.negative_entropy(jnp.array([[0.0], [2.0]]))
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(
        found, [-np.log(2) / 2, (p * np.log(p) + (1 - p) * np.log(1 - p)) / 2], rtol=1e-6
    )
