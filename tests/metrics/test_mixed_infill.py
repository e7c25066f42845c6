"""Scores under an infill that draws one of several: the mean over these, the same for any key."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.method import Frozen
from xai_jax.core.types import Explanation
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.mixed import Mixed
from xai_jax.metrics.boxes import deletion_game
from xai_jax.metrics.curves import curves
from xai_jax.metrics.fidelity import fidelity
from xai_jax.metrics.parts import parts
from xai_jax.metrics.responses import infidelity

SIZE = 8
PARTS = {"blur": Blur(sigma=2.0), "mean": Mean()}
MIXED = Mixed(**PARTS, noise=None, denoiser=None)
RNG = np.random.default_rng(0)
KEEP = RNG.uniform(size=(3, SIZE, SIZE, 1)).astype(np.float32)
SALIENCY = RNG.normal(size=KEEP.shape).astype(np.float32)


def measured(metric, infill, seed=1):
    batch = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    batch = dataclasses.replace(batch, labels=jax.nn.one_hot(batch.target, 4))
    classifier = planted.quadrant()
    explanation = Explanation(
        keep=jnp.asarray(KEEP), saliency=jnp.asarray(SALIENCY), target=batch.target
    )
    frozen = Frozen(classifier, infill.build(classifier))
    run = jax.jit(metric.measure)
    return run(metric.params, frozen, batch, explanation, jax.random.key(seed))


@pytest.mark.parametrize(
    ("metric", "names"),
    [
        (fidelity(), ("log_odds_kept", "log_odds_removed", "curve_kept", "curve_removed")),
        (curves(num_steps=5), ("masked", "morf", "lerf")),
        (parts(), ("kept", "removed")),
    ],
)
def test_it_is_the_mean_over_the_infills(metric, names):
    mixed = measured(metric, MIXED)
    each = [measured(metric, infill) for infill in PARTS.values()]
    assert np.abs(each[0][names[0]] - each[1][names[0]]).max() > 1e-2
    for name in names:
        wanted = (each[0][name] + each[1][name]) / 2
        np.testing.assert_allclose(mixed[name], wanted, atol=1e-5)


@pytest.mark.parametrize("metric", [fidelity(), curves(num_steps=5), parts(), deletion_game()])
def test_a_picture_has_the_same_scores_whatever_it_would_have_drawn(metric):
    first, *others = (measured(metric, MIXED, seed) for seed in range(1, 4))
    for other in others:
        for name in first:
            np.testing.assert_array_equal(other[name], first[name])


def test_random_squares_are_judged_by_each_of_the_infills():
    batch_of_one = [measured(infidelity(4, (2, 4)), infill) for infill in (MIXED, *PARTS.values())]
    found = [np.asarray(one["infidelity"]) for one in batch_of_one]
    assert (
        np.isfinite(found).all() and (found[0] != found[1]).any() and (found[0] != found[2]).any()
    )
