"""Gradients against closed forms of a linear classifier, and completeness of the integral."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import xai_jax
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Score
from xai_jax.core.types import Batch
from xai_jax.infills.blur import Blur
from xai_jax.methods import gradients
from xai_jax.methods.gradients import Channels, Reference

SIDE, CLASSES, MEAN, STD = 4, 3, 0.25, 0.5
KERNEL = np.random.default_rng(0).normal(size=(SIDE, SIDE, 3, CLASSES)).astype(np.float32)


def linear(params, normalised):
    return jnp.einsum("bhwc,hwck->bk", normalised, params)


def squares(params, normalised):
    """Logit k is a quadratic form, whose gradient is linear."""
    return jnp.einsum("bhwc,hwck->bk", normalised**2, params)


def frozen(fn=linear, head="softmax") -> Frozen:
    made = Classifier.from_callable(fn, jnp.asarray(KERNEL), mean=MEAN, std=STD, head=head)
    return Frozen(classifier=made, infill=Blur(sigma=1.0).build(made))


@pytest.fixture(scope="module")
def batch() -> Batch:
    return Batch(
        images=jax.random.uniform(jax.random.key(1), (2, SIDE, SIDE, 3)),
        target=jnp.array([2, 0]),
        image_id=jnp.array([7, 9], jnp.uint32),
        weight=jnp.ones(2),
    )


def explain(settings, batch, **how):
    return jax.jit(settings.build().explain)((), frozen(**how), batch, jax.random.key(3))


def slopes(batch) -> np.ndarray:
    """Of the logit of each target in unit pixels, ``[b h w c]``."""
    return np.moveaxis(KERNEL, 3, 0)[np.asarray(batch.target)] / STD


@pytest.mark.parametrize("channels", Channels)
def test_the_gradient_of_a_linear_classifier_is_its_weights(batch, channels):
    found = explain(gradients.Gradient(channels=channels), batch).saliency[..., 0]
    wanted = {
        Channels.LARGEST: np.abs(slopes(batch)).max(axis=3),
        Channels.ABSOLUTE: np.abs(slopes(batch)).sum(axis=3),
        Channels.SIGNED: slopes(batch).sum(axis=3),
    }
    np.testing.assert_allclose(found, wanted[channels], rtol=1e-5, atol=1e-6)


def test_the_gradient_of_the_probability_is_that_of_the_softmax(batch):
    settings = gradients.Gradient(score=Score.PROBABILITY, channels=Channels.SIGNED)
    found = explain(settings, batch).saliency[..., 0]
    logits = np.asarray(frozen().classifier.logits(batch.images), np.float64)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, target in enumerate(batch.target):
        of_logits = p[row, target] * ((np.arange(CLASSES) == target) - p[row])
        wanted = (KERNEL @ of_logits / STD).sum(axis=2)
        np.testing.assert_allclose(found[row], wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("reference", "zero"), [(Reference.BLACK, 0.0), (Reference.MEAN, MEAN)])
def test_input_x_gradient_counts_the_input_from_the_reference(batch, reference, zero):
    found = explain(gradients.InputXGradient(reference=reference), batch).saliency[..., 0]
    wanted = (slopes(batch) * (np.asarray(batch.images) - zero)).sum(axis=3)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_input_x_gradient_from_the_mean_is_the_logit_of_a_linear_classifier(batch):
    sums = explain(gradients.InputXGradient(), batch).saliency.sum(axis=(1, 2, 3))
    logits = frozen().classifier.logits(batch.images)
    np.testing.assert_allclose(sums, logits[jnp.arange(2), batch.target], rtol=1e-4)


@pytest.mark.parametrize("reference", Reference)
def test_integrated_gradients_of_a_linear_classifier_are_exact_and_complete(batch, reference):
    settings = gradients.IntegratedGradients(reference=reference, score=Score.LOGIT, num_steps=3)
    found = explain(settings, batch)
    blurred = frozen().infill.prepare(batch.images)
    zero = {Reference.BLACK: 0.0, Reference.MEAN: MEAN, Reference.INFILL: np.asarray(blurred)}
    wanted = (slopes(batch) * (np.asarray(batch.images) - zero[reference])).sum(axis=3)
    np.testing.assert_allclose(found.saliency[..., 0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.numbers["completeness_error"], 0.0, atol=1e-4)


def test_integrated_gradients_of_squares_are_the_squares(batch):
    """Along a line from the mean, x^2 grows by the x^2 of each pixel; midpoints make it exact."""
    settings = gradients.IntegratedGradients(
        reference=Reference.MEAN, score=Score.LOGIT, num_steps=2
    )
    found = explain(settings, batch, fn=squares)
    normalised = (np.asarray(batch.images) - MEAN) / STD
    weights = np.moveaxis(KERNEL, 3, 0)[np.asarray(batch.target)]
    np.testing.assert_allclose(
        found.saliency[..., 0], (weights * normalised**2).sum(axis=3), rtol=1e-4, atol=1e-5
    )


def test_completeness_is_reported_as_what_the_sum_lacks_and_falls_with_the_steps(batch):
    classifier = frozen().classifier
    gained = jax.nn.softmax(classifier.logits(batch.images)) - jax.nn.softmax(
        classifier.logits(jnp.zeros_like(batch.images))
    )
    errors = {}
    for num_steps in (2, 40):
        found = explain(gradients.IntegratedGradients(num_steps=num_steps), batch)
        errors[num_steps] = found.numbers["completeness_error"]
        wanted = found.saliency.sum(axis=(1, 2, 3)) - gained[jnp.arange(2), batch.target]
        np.testing.assert_allclose(errors[num_steps], wanted, atol=1e-5)
    assert (np.abs(errors[40]) < 0.05 * np.abs(errors[2]).max()).all()
    assert np.abs(errors[2]).max() > 1e-3


def test_smoothgrad_of_squares_is_the_gradient_at_the_mean_of_the_noisy_pictures(batch):
    settings = gradients.SmoothGrad(num_samples=5, noise=0.2, channels=Channels.SIGNED)
    found = explain(settings, batch, fn=squares).saliency[..., 0]
    key = jax.random.key(3)
    for row in range(2):
        image = np.asarray(batch.images[row])
        own = jax.random.fold_in(key, batch.image_id[row])
        keys = [jax.random.fold_in(own, i) for i in range(5)]
        noise = np.mean([np.asarray(jax.random.normal(k, image.shape)) for k in keys], axis=0)
        at = image + 0.2 * (image.max() - image.min()) * noise
        slope = 2 * (at - MEAN) / STD**2 * KERNEL[..., int(batch.target[row])]
        np.testing.assert_allclose(found[row], slope.sum(axis=2), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [gradients.SmoothGrad, gradients.IntegratedGradients])
def test_parts_leave_the_result_as_it_is(batch, kind):
    cfg = dataclasses.replace(kind.smoke(), inner_batch_size=8)
    whole = explain(dataclasses.replace(cfg, inner_batch_size=64), batch)
    np.testing.assert_allclose(explain(cfg, batch).saliency, whole.saliency, rtol=1e-4, atol=1e-6)


def test_a_batch_beyond_the_inner_batch_size_is_refused_before_anything_is_compiled(batch):
    called = []

    def spied(params, normalised):
        called.append(normalised)
        return linear(params, normalised)

    classifier = Classifier.from_callable(spied, jnp.asarray(KERNEL))
    with pytest.raises(ValueError, match="inner_batch_size 1 is smaller than the batch of 2"):
        xai_jax.explain(
            classifier,
            np.asarray(batch.images),
            method=gradients.SmoothGrad(inner_batch_size=1),
        )
    assert len(called) == 1  # of which only the shape was asked
