"""Where evidence lies and how concentrated it is, by hand and against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from xai_jax.core.types import Batch, Explanation
from xai_jax.metrics import evidence_maps
from xai_jax.metrics.boxes import pointing_game
from xai_jax.metrics.curves import curves
from xai_jax.metrics.localisation import Rule, found_at
from xai_jax.metrics.percentiles import strongest


def row(*values) -> jax.Array:
    return jnp.array(values, jnp.float32).reshape(1, 1, -1, 1)


def test_energy_pointing_is_the_share_of_positive_evidence_on_the_object():
    maps = jnp.concatenate([row(3.0, 1.0, -5.0, 0.0), row(-1.0, 0.0, -2.0, 0.0)])
    truth, all_count = jnp.concatenate([row(1.0, 0.0, 1.0, 0.0)] * 2), jnp.ones_like(maps)
    found = evidence_maps.energy_pointing(maps, truth, all_count)
    np.testing.assert_allclose(found, [0.75, np.nan])


def test_energy_points_nowhere_without_an_object_or_where_all_of_it_is_void():
    maps = jnp.concatenate([row(3.0, 1.0, 0.0)] * 3)
    truth = jnp.concatenate([row(0.0, 0.0, 0.0), row(0.0, 1.0, 0.0), row(0.0, 1.0, 0.0)])
    counted = jnp.concatenate([row(1.0, 1.0, 1.0), row(1.0, 0.0, 1.0), row(0.5, 1.0, 1.0)])
    found = evidence_maps.energy_pointing(maps, truth, counted)
    np.testing.assert_allclose(found, [np.nan, np.nan, 0.4])  # 1 / (1.5 + 1)


def test_a_constant_map_points_by_the_objects_share_of_the_picture():
    truth = jax.random.bernoulli(jax.random.key(0), 0.3, (2, 6, 7, 1)).astype(jnp.float32)
    maps = jnp.full((2, 6, 7, 1), 0.2)
    found = evidence_maps.energy_pointing(maps, truth, jnp.ones_like(maps))
    np.testing.assert_allclose(found, truth.mean((1, 2, 3)), rtol=1e-6)


def test_rank_accuracy_looks_at_as_many_pixels_as_the_object_has():
    truth, all_count = row(1.0, 1.0, 0.0, 0.0), jnp.ones((1, 1, 4, 1))
    of = lambda *values: float(evidence_maps.rank_accuracy(row(*values), truth, all_count)[0])  # noqa: E731
    assert of(5.0, 4.0, -1.0, 0.0) == 1.0
    assert of(-5.0, 4.0, 1.0, 0.0) == 0.5  # negative evidence ranks last
    assert of(0.0, 0.0, 0.0, 0.0) == 0.5  # equals share the places
    assert of(9.0, 2.0, 2.0, 1.0) == 0.75  # two of them share the second place
    counted = row(1.0, 1.0, 0.0, 1.0)
    found = evidence_maps.rank_accuracy(row(1.0, 2.0, 9.0, 0.0), truth, counted)
    np.testing.assert_allclose(found, [1.0])  # a void pixel is not looked at
    none = evidence_maps.rank_accuracy(row(1.0, 2.0, 9.0, 0.0), 0 * truth, all_count)
    assert np.isnan(none).all()


def test_sparsity_is_the_mean_difference_over_twice_the_mean():
    maps = jax.random.normal(jax.random.key(1), (3, 5, 4, 1))
    sizes = np.abs(np.asarray(maps, np.float64))
    for values, found in zip(sizes, evidence_maps.gini(maps), strict=True):
        pairs = np.abs(values.ravel()[:, None] - values.ravel()[None]).mean()
        np.testing.assert_allclose(found, pairs / (2 * values.mean()), rtol=1e-5)
    np.testing.assert_allclose(evidence_maps.gini(row(1.0, -1.0, 1.0)), [0.0], atol=1e-6)
    np.testing.assert_allclose(evidence_maps.gini(row(0.0, 0.0, 0.0, 7.0)), [0.75], rtol=1e-6)
    assert np.isnan(evidence_maps.gini(row(0.0, 0.0))).all()


def test_complexity_is_the_entropy_of_scipy():
    maps = jax.random.normal(jax.random.key(2), (3, 5, 4, 1))
    wanted = [scipy.stats.entropy(np.abs(np.asarray(one, np.float64)).ravel()) for one in maps]
    np.testing.assert_allclose(evidence_maps.entropy(maps), wanted, rtol=1e-5)
    np.testing.assert_allclose(evidence_maps.entropy(row(0.0, -3.0)), [0.0], atol=1e-7)
    assert np.isnan(evidence_maps.entropy(row(0.0, 0.0))).all()


def test_flat_maps_are_counted():
    located = evidence_maps.localisation()
    _, metric = evidence_maps.with_flat([located])
    maps = jnp.concatenate([row(0.0, 0.0), row(0.3, 0.3), row(jnp.nan, 1.0), row(0.0, 1.0)])
    explanation = Explanation(target=None, saliency=maps)
    batch = Batch(images=None, target=None, image_id=None, weight=None)
    found = metric.measure(None, None, batch, explanation, None)
    np.testing.assert_array_equal(found["flat_maps"], [1, 1, 1, 0])
    assert metric.reduce({"flat_maps": np.asarray(found["flat_maps"])}) == {"flat_maps": 3}
    assert evidence_maps.counts_flat([located, metric]) is metric
    assert evidence_maps.counts_flat([located]) is None
    assert evidence_maps.with_flat([evidence_maps.concentration()])[1:] == ()


@pytest.mark.parametrize(
    "metric",
    [
        strongest(),
        evidence_maps.localisation(),
        curves(),
        pointing_game(),
        found_at(Rule.MEAN, 1.0),
    ],
)
def test_beside_whatever_ranks_pixels_maps_without_an_order_are_counted(metric):
    assert evidence_maps.counts_flat(evidence_maps.with_flat([metric]))


@pytest.mark.parametrize("metric", [evidence_maps.localisation(), evidence_maps.concentration()])
def test_a_metric_measures_what_it_declares(metric):
    batch = Batch(
        images=jnp.zeros((1, 1, 4, 1)),
        target=jnp.zeros(1, jnp.int32),
        image_id=jnp.zeros(1, jnp.uint32),
        weight=jnp.ones(1),
        labels=jnp.ones((1, 1)),
        masks=row(1.0, 0.0, 0.0, 0.0),
        counted=row(1.0, 1.0, 1.0, 0.0),
    )
    explanation = Explanation(target=batch.target, saliency=row(2.0, 1.0, 1.0, 50.0))
    found = metric.measure(metric.params, None, batch, explanation, None)
    assert list(found) == [r.name for r in metric.rows] == [c.name for c in metric.columns]
    if "energy_pointing" in found:
        np.testing.assert_allclose(found["energy_pointing"], [0.5])
        np.testing.assert_allclose(found["rank_accuracy"], [1.0])
