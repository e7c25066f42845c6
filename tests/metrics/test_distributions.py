"""Distances of sets of pictures, against SciPy and loops."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.stats

from xai_jax.core.method import Frozen
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import distributions


def mean_pixels(judge, images):
    return judge.params["gain"] * images.mean((1, 2))


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


def test_frechet_of_no_more_pictures_than_features_is_left_out_of_tables():
    rng = np.random.default_rng(0)
    metric = distributions.distances("other")
    names = [row.name for row in metric.rows]
    for num, is_known in ((6, False), (7, True)):
        rows = {name: rng.normal(size=(num, 6)) for name in names}
        found = metric.reduce(rows)
        assert np.isfinite(found["frechet"]) == is_known and np.isfinite(found["kid"])
    assert np.isnan(distributions.frechet_of_many(rows[names[0]], rows[names[1]][:6]))


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
    batch = planted.quadrant_batch(8, 8, jax.random.key(0))  # of four features
    keep = jnp.ones((8, 8, 8, 1))
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
    np.testing.assert_allclose(rows["mean_features_other_made"], 0.0)
    assert made.reduce(rows)["frechet"] > 1e-3
    judge = dataclasses.replace(classifier, params={"gain": jnp.float32(7.0)})
    judged = distributions.distances("other", mean_pixels, judge)
    found = judged.measure(judged.params, frozen, batch, explanation, jax.random.key(0))
    np.testing.assert_allclose(
        found["mean_pixels_other_real"], 7.0 * batch.images.mean((1, 2)), 1e-6
    )
    with pytest.raises(ValueError, match="no pictures called 'counterfactual'"):
        distributions.distances("counterfactual").measure(
            None, frozen, batch, explanation, jax.random.key(0)
        )


def test_jensen_shannon_is_that_of_scipys_kernels_in_the_plane_of_the_first_components():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(2, 5))
    one, other = (rng.normal(size=(60, 2)) * (3.0, 1.0) + shift for shift in (0.0, (1.5, 0.5)))
    one, other = (x @ plane + 1e-3 * rng.normal(size=(60, 5)) for x in (one, other))
    both = np.concatenate([one, other])
    axes = np.linalg.eigh(np.cov(both, rowvar=False))[1][:, ::-1][:, :2]
    flat = [(x - both.mean(0)) @ axes for x in (one, other)]
    all_flat = np.concatenate(flat)
    sides = [np.linspace(all_flat[:, i].min(), all_flat[:, i].max(), 100) for i in range(2)]
    points = np.stack(np.meshgrid(*sides), -1).reshape(-1, 2).T
    shares = [scipy.stats.gaussian_kde(x.T)(points) for x in flat]
    wanted = scipy.spatial.distance.jensenshannon(*shares, base=2)
    found = distributions.jensen_shannon(one, other, both)
    assert 0.1 < wanted < 0.9 and found == pytest.approx(wanted, rel=1e-6)
    assert distributions.jensen_shannon(one, one, both) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(distributions.jensen_shannon(one[:2], other, both))
    assert np.isnan(distributions.jensen_shannon(one[:1].repeat(5, 0), other, both))


def test_jensen_shannon_of_sets_far_apart_is_one_however_little_of_either_is_at_a_point():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(300, 2))
    for apart in np.linspace(20.0, 30.0, 6):
        other = one + apart
        found = distributions.jensen_shannon(one, other, np.concatenate([one, other]))
        assert found == pytest.approx(1.0, abs=1e-6)
