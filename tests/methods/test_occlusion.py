"""Occlusion and prediction difference against loops, and the squares that they take away."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

import xai_jax
from xai_jax.core.method import Frozen
from xai_jax.infills.constant import Constant
from xai_jax.infills.noise import RandomColour
from xai_jax.methods import occlusion
from xai_jax.methods.occlusion import windows

SIZE = 8


@pytest.fixture(scope="module")
def batch():
    return planted.quadrant_batch(2, SIZE, jax.random.key(0))


def frozen(infill) -> Frozen:
    classifier = planted.quadrant(gain=4.0)
    return Frozen(classifier=classifier, infill=infill.build(classifier))


def explain(settings, shown, batch):
    return jax.jit(settings.build().explain)((), shown, batch, jax.random.key(3))


def probabilities(shown: Frozen, images, target) -> np.ndarray:
    logits = np.asarray(shown.classifier.logits(jnp.asarray(images)), np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return shares[np.arange(len(images)), np.asarray(target)]


def looped(values: dict[tuple[int, int], np.ndarray], window: int) -> np.ndarray:
    """Each pixel's mean over the squares that it is in."""
    sums, counts = np.zeros((2, SIZE, SIZE)), np.zeros((SIZE, SIZE))
    for (top, left), value in values.items():
        sums[:, top : top + window, left : left + window] += value[:, None, None]
        counts[top : top + window, left : left + window] += 1
    return sums / np.maximum(counts, 1)


PLACES = (0, 2, 4, 5)  # of squares of 3 pixels every 2, the last of which ends at the border


def test_occlusion_is_the_loop_over_squares(batch):
    shown = frozen(Constant(value=0.25))
    images = np.asarray(batch.images)
    whole = probabilities(shown, images, batch.target)
    lost = {}
    for top in PLACES:
        for left in PLACES:
            hidden = images.copy()
            hidden[:, top : top + 3, left : left + 3] = 0.25
            lost[top, left] = whole - probabilities(shown, hidden, batch.target)
    found = explain(occlusion.Config(window=3, stride=2, inner_batch_size=6), shown, batch)
    np.testing.assert_allclose(found.saliency[..., 0], looped(lost, 3), atol=1e-5)


def test_prediction_difference_is_the_loop_over_squares_and_infills(batch):
    """In bits, of the mean probability over the infills, which differ from sample to sample."""
    shown = frozen(RandomColour())
    settings = occlusion.PredictionDifference(
        window=3, stride=2, num_samples=3, inner_batch_size=10
    )
    images, own, fill = np.asarray(batch.images), jax.random.key(3), jax.jit(shown.infill.__call__)
    keys = [jax.random.fold_in(own, i) for i in batch.image_id]
    log_odds = lambda p: np.log2(p / (1 - p))  # noqa: E731
    whole = log_odds(probabilities(shown, images, batch.target))
    evidence = {}
    for n, (top, left) in enumerate((y, x) for y in PLACES for x in PLACES):
        shares = []
        for sample in range(3):
            index = 3 * n + sample
            drawn = jnp.stack([jax.random.fold_in(key, index) for key in keys])
            filled = fill(batch.images, jnp.zeros((2, SIZE, SIZE, 1)), drawn)
            hidden = images.copy()
            square = np.s_[:, top : top + 3, left : left + 3]
            hidden[square] = np.asarray(filled)[square]
            shares.append(probabilities(shown, hidden, batch.target))
        evidence[top, left] = whole - log_odds(np.mean(shares, axis=0))
    found = explain(settings, shown, batch)
    np.testing.assert_allclose(found.saliency[..., 0], looped(evidence, 3), rtol=1e-3, atol=1e-3)


def test_pixels_between_the_squares_are_zero(batch):
    found = explain(occlusion.Config(window=1, stride=4), frozen(Constant(value=0.0)), batch)
    assert (found.saliency[:, 1:4] == 0).all() and (found.saliency[:, 0, 0] != 0).all()


def test_the_published_squares_are_28_along_each_side():
    assert len(windows.starts(224, 35, 7)) == 28
    np.testing.assert_array_equal(windows.starts(35, 35, 7), [0])


def test_certainty_stays_finite(batch):
    certain = frozen(Constant(value=0.0))
    certain = dataclasses.replace(certain, classifier=planted.quadrant(gain=500.0))
    found = explain(occlusion.PredictionDifference.smoke(), certain, batch)
    assert np.isfinite(found.saliency).all() and np.ptp(found.saliency) > 0


def test_a_window_larger_than_the_picture_is_refused():
    images = np.zeros((2, SIZE, SIZE, 3), np.float32)
    for kind in (occlusion.Config, occlusion.PredictionDifference):
        with pytest.raises(ValueError, match="window 9 is larger than .* 8 pixels; lower window"):
            xai_jax.explain(planted.quadrant(), images, method=kind(window=9))
