"""Distances of sets of pictures, against SciPy and loops."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.linalg

from xai_jax.core.method import Frozen
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import distributions


def by_scipy(real: np.ndarray, made: np.ndarray) -> float:
    spreads = [np.cov(x, rowvar=False) for x in (real, made)]
    root = scipy.linalg.sqrtm(spreads[0] @ spreads[1]).real
    gap = np.square(real.mean(axis=0) - made.mean(axis=0)).sum()
    return float(gap + np.trace(spreads[0] + spreads[1] - 2 * root))


@pytest.mark.parametrize(("num", "other"), [(40, 30), (5, 7), (40, 4)])
def test_frechet_is_that_of_scipys_matrix_root(num, other):
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(num, 6)), 0.3 + 2 * rng.normal(size=(other, 6))
    # The root of a singular product has few digits: SciPy's, not ours.
    np.testing.assert_allclose(distributions.frechet(real, made), by_scipy(real, made), rtol=2e-3)
    np.testing.assert_allclose(distributions.frechet(real, real), 0.0, atol=1e-9)


def test_kid_is_the_unbiased_estimate_of_a_double_loop():
    rng = np.random.default_rng(1)
    real, made = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)) + 1
    kernel = lambda x, y: (x @ y / 3 + 1) ** 3  # noqa: E731
    within = [
        np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        for x in (real, made)
    ]
    across = np.mean([kernel(a, b) for a in real for b in made])
    np.testing.assert_allclose(distributions.kid(real, made), sum(within) - 2 * across)
    assert np.isnan(distributions.kid(real, made[:1]))
    assert np.isnan(distributions.frechet(real, made[:1]))


def test_what_is_kept_and_what_is_made_are_compared_by_named_features():
    classifier = planted.quadrant()
    frozen = Frozen(classifier, Constant(value=0.3).build(classifier))
    batch = planted.quadrant_batch(4, 8, jax.random.key(0))
    keep = jnp.ones((4, 8, 8, 1))
    explanation = Explanation(
        target=batch.target, saliency=keep, keep=keep, pictures={"other": 0 * batch.images}
    )
    metric = distributions.distances()
    found = metric.measure(None, frozen, batch, explanation, jax.random.key(0))
    assert set(found) == {"mean_features_real", "mean_features_made"}
    reduced = metric.reduce({name: np.asarray(values) for name, values in found.items()})
    assert abs(reduced["frechet"]) < 1e-6  # all of each picture is kept
    made = distributions.distances("other")
    found = made.measure(None, frozen, batch, explanation, jax.random.key(0))
    rows = {name: np.asarray(values) for name, values in found.items()}
    np.testing.assert_allclose(rows["mean_features_made"], 0.0)
    assert made.reduce(rows)["frechet"] > 1e-3
    with pytest.raises(ValueError, match="no pictures called 'counterfactual'"):
        distributions.distances("counterfactual").measure(
            None, frozen, batch, explanation, jax.random.key(0)
        )
