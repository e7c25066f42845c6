"""IoU of the strongest pixels and correlation with the object, by NumPy and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
from scipy.ndimage import gaussian_filter

from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import percentiles


def random_maps(num=4, side=12):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(num, side, side, 1)).astype(np.float32)
    truth = (rng.uniform(size=maps.shape) < 0.2).astype(np.float32)
    return maps, truth


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


def test_pixels_from_a_percentile_on_are_numpys():
    maps, truth = random_maps()
    counted = jnp.ones_like(truth)
    found = percentiles.iou_from(jnp.asarray(maps), jnp.asarray(truth), counted, 90.0)
    wanted = [iou(m >= np.percentile(m, 90), t > 0) for m, t in zip(maps, truth, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    flat = percentiles.iou_from(jnp.ones_like(maps), jnp.asarray(truth), counted, 98.0)
    np.testing.assert_allclose(flat, truth.mean((1, 2, 3)), rtol=1e-6)  # all of the picture


def test_equal_area_takes_as_many_pixels_as_the_object_has():
    maps, truth = random_maps()
    counted = jnp.ones_like(truth)
    found = percentiles.iou_of_equal_area(jnp.asarray(maps), jnp.asarray(truth), counted)
    wanted = [
        iou(m >= np.sort(m.ravel())[-int(t.sum())], t > 0) for m, t in zip(maps, truth, strict=True)
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    share = truth.mean((1, 2, 3))  # of a flat map, as many are hit as by chance
    flat = percentiles.iou_of_equal_area(jnp.full_like(maps, 3.0), jnp.asarray(truth), counted)
    np.testing.assert_allclose(flat, share / (2 - share), rtol=1e-5)


def test_correlation_is_numpys_and_that_of_a_flat_map_is_none():
    maps, truth = random_maps()
    counted = jnp.ones_like(truth)
    found = percentiles.correlation(jnp.asarray(maps), jnp.asarray(truth), counted)
    wanted = [np.corrcoef(m.ravel(), t.ravel())[0, 1] for m, t in zip(maps, truth, strict=True)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    flat = percentiles.correlation(jnp.ones_like(maps), jnp.asarray(truth), counted)
    np.testing.assert_array_equal(flat, 0.0)


def test_void_pixels_are_as_if_they_were_not_there():
    """A picture with void columns scores as the one without these columns."""
    maps, truth = random_maps()
    counted = np.ones_like(truth)
    counted[:, :, 9:] = 0.3
    maps[:, :, 9:] = 1e6
    found = measured(maps, truth, counted)
    for name, value in measured(maps[:, :, :9], truth[:, :, :9]).items():
        np.testing.assert_allclose(found[name], value, atol=1e-5)
        assert (value < 1).all() and (value != 0).any()
    truth[:, :, :9] = 0.0  # the object is void
    assert all(np.isnan(value).all() for value in measured(maps, truth, counted).values())


def measured(maps, truth, counted=None, metric=None):
    batch = Batch(
        images=jnp.zeros((*maps.shape[:3], 3)),
        target=jnp.zeros(len(maps), jnp.int32),
        image_id=jnp.arange(len(maps), dtype=jnp.uint32),
        weight=jnp.ones(len(maps)),
        labels=jnp.ones((len(maps), 1)),
        masks=jnp.asarray(truth),
        counted=None if counted is None else jnp.asarray(counted),
    )
    explanation = Explanation(target=batch.target, saliency=jnp.asarray(maps))
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=Constant().build(classifier))
    metric = metric or percentiles.strongest()
    return metric.measure((), frozen, batch, explanation, jax.random.key(0))


def test_the_metric_leaves_out_pictures_without_an_object_and_no_scale_matters():
    maps, truth = random_maps(2)
    truth[1] = 0.0
    metric = percentiles.strongest((90.0, 99.5))
    found, scaled = (measured(m, truth, metric=metric) for m in (maps, 0.01 * maps + 0.5))
    assert set(found) == {"iou_90", "iou_99_5", "iou_equal", "ncc"}
    assert set(found) == {c.name for c in metric.columns} == {r.name for r in metric.rows}
    for name, values in found.items():
        assert np.isfinite(values[0]) and np.isnan(values[1])
        np.testing.assert_allclose(values, scaled[name], atol=1e-5)
    with pytest.raises(ValueError, match=r"percentiles must be in \[0, 100\], not \(101.0,\)"):
        percentiles.strongest((101.0,))


def test_blurred_maps_are_scored_beside_those_as_they_are():
    maps, truth = random_maps(2)
    blurred = np.stack([gaussian_filter(one, (1.5, 1.5, 0), radius=6) for one in maps])
    found = measured(maps, truth, metric=percentiles.strongest((90.0,), blur=1.5))
    wanted = measured(blurred, truth, metric=percentiles.strongest((90.0,)))
    assert set(found) == {"iou_90_blurred", "iou_equal_blurred", "ncc_blurred"}
    for name, values in wanted.items():
        np.testing.assert_allclose(found[f"{name}_blurred"], values, atol=1e-5)
    (equal,) = [c for c in percentiles.strongest((), blur=1.5).columns if "equal" in c.name]
    assert equal.head == "IoU, equal area, blurred by 1.5"
    with pytest.raises(ValueError, match="strongest: blur must be"):
        percentiles.strongest(blur=-1.0)


def test_small_differences_far_below_the_peak_are_ranked():
    maps = jnp.array([1.0, 4e-9, 3e-9, 0.0]).reshape(1, 2, 2, 1)
    truth = jnp.array([1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 2, 1)
    found = percentiles.iou_of_equal_area(maps, truth, jnp.ones_like(truth))
    np.testing.assert_allclose(found, 1.0)
