"""Infidelity and max-sensitivity, of classifiers for which they are known."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

import xai_jax
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant
from xai_jax.methods import controls, gradients
from xai_jax.metrics import responses

SIZE = 16


def _linear(params, images):
    """A probability that is linear in the pixels, and small: the sigmoid of its own logit."""
    share = 0.4 + (params * images).mean(axis=(1, 2, 3))
    return (jnp.log(share) - jnp.log1p(-share))[:, None]


@pytest.fixture(scope="module")
def linear():
    weights = jax.random.uniform(jax.random.key(1), (SIZE, SIZE, 3))
    classifier = Classifier.from_callable(_linear, weights, head=Head.SIGMOID)
    return Frozen(classifier, Constant(value=0.1).build(classifier))


@pytest.fixture(scope="module")
def batch():
    made = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    return made.replace(target=jnp.zeros(3, jnp.int32))


def infidelity(frozen, batch, maps, **settings):
    metric = responses.infidelity(**{"num_samples": 24, "sides": (2, 6)} | settings)
    explanation = Explanation(target=batch.target, saliency=jnp.asarray(maps, jnp.float32))
    return np.asarray(
        metric.measure(None, frozen, batch, explanation, jax.random.key(0))["infidelity"]
    )


def test_the_contributions_of_a_linear_probability_have_no_infidelity(linear, batch):
    exact = (linear.classifier.params * (batch.images - 0.1)).sum(axis=3, keepdims=True)
    found = infidelity(linear, batch, exact)
    np.testing.assert_allclose(found, 0.0, atol=1e-10)
    np.testing.assert_allclose(infidelity(linear, batch, 7 * exact - 3), 0.0, atol=1e-10)
    noise = jax.random.normal(jax.random.key(5), exact.shape)
    flat = infidelity(linear, batch, 0 * exact)
    assert (infidelity(linear, batch, exact + exact.std() * noise) > 1e-8).all()
    assert (flat > 1e-8).all() and np.isfinite(flat).all()
    np.testing.assert_allclose(infidelity(linear, batch, 0 * exact + jnp.nan), flat)


def test_a_picture_is_judged_alike_alone_and_in_company(linear, batch):
    maps = jax.random.normal(jax.random.key(2), (3, SIZE, SIZE, 1))
    alone = infidelity(linear, planted.take(batch, slice(2, 3)), maps[2:])
    np.testing.assert_allclose(alone, infidelity(linear, batch, maps)[2:], rtol=1e-4)


def test_the_residual_is_that_of_numpys_least_squares():
    rng = np.random.default_rng(0)
    known, wanted = rng.normal(size=(2, 9, 3)).astype(np.float32), rng.normal(size=(9, 3))
    known[0, :, 2] = 2 * known[1, :, 2]  # nothing new
    found = responses.residual(
        (jnp.asarray(known[0]), jnp.asarray(known[1])), jnp.asarray(wanted, jnp.float32)
    )
    for i in range(3):
        fit = np.linalg.lstsq(known[:, :, i].T, wanted[:, i], rcond=None)[0]
        rest = wanted[:, i] - known[:, :, i].T @ fit
        np.testing.assert_allclose(found[i], np.mean(rest**2), rtol=1e-4)


def sensitivity(classifier, batch, method, **settings):
    metric = responses.max_sensitivity(**{"num_samples": 4} | settings)
    images, target = np.asarray(batch.images), np.asarray(batch.target)
    found = xai_jax.explain(classifier, images, target, method=method, metrics=(metric,))
    return found.numbers["max_sensitivity"]


def test_a_map_that_does_not_look_does_not_move_and_zeros_have_no_value(batch):
    classifier = planted.quadrant()
    np.testing.assert_array_equal(sensitivity(classifier, batch, controls.CentredBlob()), 0.0)
    # The logit is linear in the pixels: so its gradient stays, but for nothing.
    found = sensitivity(classifier, batch, gradients.Gradient())
    np.testing.assert_allclose(found, 0.0, atol=1e-6)
    none = planted.quadrant(gain=0.0)
    assert np.isnan(sensitivity(none, batch, gradients.Gradient())).all()


def test_sensitivity_is_the_largest_relative_move_within_the_radius(batch):
    # Input times gradient of a linear logit moves by the noise times the slope.
    images = 0.25 + 0.5 * batch.images  # so that nothing is clipped
    found = sensitivity(
        planted.quadrant(), batch.replace(images=images), gradients.InputXGradient(), radius=0.1
    )
    quarter = np.asarray(images)[:, : SIZE // 2, : SIZE // 2].sum(axis=3)
    size = np.sqrt((quarter**2).sum(axis=(1, 2)))
    most = 0.1 * np.sqrt(3 * quarter[0].size)  # of independent noises in three channels, root 3
    assert (found < most / size).all() and (found > 0.3 * most / size).all()
    smaller = sensitivity(
        planted.quadrant(), batch.replace(images=images), gradients.InputXGradient(), radius=0.05
    )
    np.testing.assert_allclose(smaller, found / 2, rtol=1e-3)
    with pytest.raises(ValueError, match="There is no noise"):
        responses.max_sensitivity(radius=0.0)
