"""Masks against true objects: the analytic table, SciPy's ranks, and small cases by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from cut_out import by_hand

from xai_jax.metrics import segmentation

ROWS, COLUMNS = 20, 10
SHARES = (0.15, 0.5, 0.85)  # of each picture that is object


def objects():
    """One picture a share: its upper rows are the object, ``[b h w 1]`` of 0 and 1."""
    rows = np.arange(ROWS)[None, :, None, None]
    counts = np.round(np.array(SHARES) * ROWS)[:, None, None, None]
    return jnp.asarray(np.broadcast_to(rows < counts, (3, ROWS, COLUMNS, 1)), jnp.float32)


# Of a binary truth that covers the share f of the picture, for each constant mask and for itself.
TABLE = {
    "0": lambda f: (1 - f, 0, 0, 0, 0, 0, 0),
    "0.5": lambda f: (0.5, f / (f + 0.5), 2 * f / (1 + f) / 3, 4 * f / 9, f / (1 + f), 0.5, 0.5),
    "1": lambda f: (f, 2 * f / (1 + f), 2 * f / (1 + f), f, f, 1, 1),
    "perfect": lambda f: (1, 1, 1, 1, 1, 0, 1),
}
METRICS = (
    segmentation.accuracy,
    segmentation.soft_f1,
    segmentation.mean_f1,
    segmentation.mean_iou,
    segmentation.soft_iou,
    segmentation.background_coverage,
    segmentation.object_coverage,
)


@pytest.mark.parametrize("mask", TABLE)
def test_constant_masks_and_the_truth_itself_get_the_analytic_scores(mask):
    truth = objects()
    keep = truth if mask == "perfect" else jnp.full_like(truth, float(mask))
    expected = np.array([TABLE[mask](share) for share in SHARES])
    found = np.stack([jax.jit(metric)(keep, truth) for metric in METRICS], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(segmentation.overlap(keep, truth), expected[:, 0], atol=1e-6)


def random_maps():
    generator = np.random.default_rng(0)
    keep, truth = generator.random((2, 3, 9, 7, 1)).astype(np.float32)
    return keep, truth


def test_soft_scores_follow_their_formulas():
    m, g = random_maps()
    sums = lambda x: x.astype(np.float64).sum(axis=(1, 2, 3))  # noqa: E731
    precision, recall = sums(m * g) / sums(m), sums(m * g) / sums(g)
    expected = {
        segmentation.accuracy: sums(m * g + (1 - m) * (1 - g)) / 63,
        segmentation.overlap: 1 - sums(np.abs(m - g)) / 63,
        segmentation.soft_f1: 2 * precision * recall / (precision + recall),
        segmentation.soft_iou: sums(np.minimum(m, g)) / sums(np.maximum(m, g)),
        segmentation.background_coverage: sums(np.maximum(m - g, 0)) / sums(1 - g),
        segmentation.object_coverage: 1 - sums(np.maximum(g - m, 0)) / sums(g),
        segmentation.similarity_ratio: sums(m * g) / (sums(m * g) + sums((m - g) ** 2)),
    }
    for metric, value in expected.items():
        found = metric(jnp.asarray(m), jnp.asarray(g))
        np.testing.assert_allclose(found, value, rtol=1e-5, err_msg=metric.__name__)


def test_hard_scores_cut_mask_and_truth_above_the_threshold():
    m, g = random_maps()
    keep, truth = jnp.asarray(m), jnp.asarray(g)
    f1, iou = [], []
    for threshold in segmentation.DECILES:
        both = ((m > threshold) & (g > threshold)).sum(axis=(1, 2, 3))
        either = ((m > threshold) | (g > threshold)).sum(axis=(1, 2, 3))
        wrong = either - both
        f1.append(2 * both / (2 * both + wrong))
        iou.append(both / either)
    np.testing.assert_allclose(segmentation.f1_curve(keep, truth), np.stack(f1, 1), rtol=1e-6)
    np.testing.assert_allclose(segmentation.mean_iou(keep, truth), np.mean(iou, 0), rtol=1e-6)
    at_half = segmentation.f1_at(keep, truth, 0.5)
    quarters = [segmentation.f1_at(keep, truth, t) for t in (0.25, 0.5, 0.75)]
    np.testing.assert_allclose(at_half, f1[4], rtol=1e-6)
    np.testing.assert_allclose(segmentation.mean_f1(keep, truth), np.mean(quarters, 0), rtol=1e-6)


def test_a_value_at_the_threshold_is_not_above_it():
    half = jnp.full((1, 2, 2, 1), 0.5)
    assert segmentation.f1_at(half, jnp.ones((1, 2, 2, 1)), 0.5)[0] == 0.0


@pytest.mark.parametrize("metric", METRICS)
def test_no_picture_makes_a_score_nan(metric):
    nothing, all_of_it = jnp.zeros((1, 3, 3, 1)), jnp.ones((1, 3, 3, 1))
    for keep in (nothing, all_of_it):
        for truth in (nothing, all_of_it):
            assert 0.0 <= metric(keep, truth)[0] <= 1.0


def test_coverage_of_what_is_not_there_is_zero():
    nothing, all_of_it = jnp.zeros((1, 3, 3, 1)), jnp.ones((1, 3, 3, 1))
    assert segmentation.object_coverage(all_of_it, nothing)[0] == 0.0
    assert segmentation.background_coverage(all_of_it, all_of_it)[0] == 0.0


def test_the_auc_is_mann_and_whitneys_statistic_with_ties_counting_half():
    generator = np.random.default_rng(1)
    keep = generator.integers(0, 8, (3, 30, 40, 1)).astype(np.float32) / 8  # many ties
    truth = (generator.random((3, 30, 40, 1)) < 0.2 + 0.3 * keep).astype(np.float32)
    expected = []
    for values, inside in zip(keep.reshape(3, -1), truth.reshape(3, -1) > 0, strict=True):
        statistic = scipy.stats.mannwhitneyu(values[inside], values[~inside]).statistic
        expected.append(statistic / (inside.sum() * (~inside).sum()))
    found = jax.jit(segmentation.auc)(jnp.asarray(keep), jnp.asarray(truth))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_auc_by_hand():
    keep = jnp.array([0.9, 0.4, 0.4, 0.1]).reshape(1, 2, 2, 1)
    truth = jnp.array([1.0, 0.0, 0.3, 0.0]).reshape(1, 2, 2, 1)  # above 0 is object
    # Of the four pairs three are in order and one is tied.
    np.testing.assert_allclose(segmentation.auc(keep, truth), [3.5 / 4])
    np.testing.assert_allclose(segmentation.auc(-keep, truth), [0.5 / 4])


def test_the_auc_of_a_large_picture_is_exact_where_sums_of_ranks_are_not():
    keep = jnp.linspace(0, 1, 120 * 100).reshape(1, 120, 100, 1)  # ranks add up beyond 2^24
    assert segmentation.auc(keep, (keep > 0.5).astype(jnp.float32))[0] == 1.0
    np.testing.assert_allclose(segmentation.auc(jnp.ones_like(keep), keep - 0.5), 0.5)


def test_the_auc_without_an_object_or_without_a_background_is_undefined():
    keep = jax.random.uniform(jax.random.key(0), (2, 4, 4, 1))
    truth = jnp.stack([jnp.zeros((4, 4, 1)), jnp.ones((4, 4, 1))])
    assert np.isnan(segmentation.auc(keep, truth)).all()


def test_a_mask_with_a_nan_anywhere_becomes_zero_and_the_others_stay():
    keep = jnp.full((2, 3, 3, 1), 0.5).at[0, 1, 1, 0].set(jnp.nan)
    cleaned = segmentation.without_nan(keep)
    np.testing.assert_array_equal(cleaned[0], jnp.zeros((3, 3, 1)))
    np.testing.assert_array_equal(cleaned[1], keep[1])


def test_pointing_asks_whether_the_first_of_the_largest_values_is_on_the_object():
    keep = jnp.array([[0.1, 0.9, 0.9, 0.2], [0.4, 0.4, 0.4, 0.4], [0.0, 0.0, 0.0, 1.0]])
    truth = jnp.array([[0.0, 1.0, 0.0, 1.0], [0.5, 1.0, 1.0, 1.0], [0.0, 0.5, 0.0, 0.4]])
    found = segmentation.pointing(keep.reshape(3, 2, 2, 1), truth.reshape(3, 2, 2, 1))
    # A hit; a miss, since half a pixel is no object; and no object anywhere.
    np.testing.assert_array_equal(found, [1.0, 0.0, np.nan])


ALL = {
    **{metric.__name__: metric for metric in METRICS},
    "overlap": segmentation.overlap,
    "similarity_ratio": segmentation.similarity_ratio,
    "dice": lambda keep, truth, counted: segmentation.f1_at(keep, truth, 0.5, counted),
    "auc": segmentation.auc,
    "pointing": segmentation.pointing,
}


@pytest.mark.parametrize("name", ALL)
def test_a_pixel_counts_as_often_as_its_weight_says(name):
    generator = np.random.default_rng(2)
    keep = generator.integers(0, 9, (4, 12, 10, 1)).astype(np.float32) / 8  # ties for the AUC
    truth = generator.random((4, 12, 10, 1)).astype(np.float32)
    truth = np.where(truth < 0.4, np.float32(0), truth)
    half = generator.integers(0, 3, (4, 12, 10, 1))
    half[3] = np.where(generator.random((12, 10, 1)) < 0.9, 0, 2)  # nearly all is void
    # By hand a pixel of weight 1 stands there twice, one of weight 1/2 once, and a void one not.
    expected = [
        by_hand(*(np.repeat(x.ravel(), times.ravel()) for x in (m, g)))[name]
        for m, g, times in zip(keep, truth, half, strict=True)
    ]
    counted = jnp.asarray(half / 2, jnp.float32)
    found = jax.jit(ALL[name])(jnp.asarray(keep), jnp.asarray(truth), counted)
    np.testing.assert_allclose(found, expected, rtol=2e-6)


@pytest.mark.parametrize("name", ALL)
def test_pixels_that_all_count_score_as_without_weights(name):
    keep, truth = map(jnp.asarray, random_maps())
    truth = jnp.maximum(truth - 0.1, 0.0)  # a background, for the AUC
    found = ALL[name](keep, truth, jnp.ones_like(keep))
    np.testing.assert_allclose(found, ALL[name](keep, truth, None), rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_a_picture_of_which_nothing_counts_has_no_score(name):
    keep, truth = map(jnp.asarray, random_maps())
    truth = jnp.maximum(truth - 0.1, 0.0)  # a background, for the AUC
    counted = jnp.ones_like(keep).at[1].set(0.0)
    is_undefined = np.isnan(ALL[name](keep, truth, counted))
    np.testing.assert_array_equal(is_undefined, [False, True, False])


def test_what_a_mask_does_where_nothing_counts_is_without_consequence():
    keep, truth = map(jnp.asarray, random_maps())
    truth = jnp.maximum(truth - 0.1, 0.0)  # a background, for the AUC
    counted = jnp.ones_like(keep).at[:, 2:5].set(0.0)
    for metric in ALL.values():
        other = metric(keep.at[:, 2:5].set(1.0), truth.at[:, 2:5].set(0.0), counted)
        assert np.isfinite(other).all()
        np.testing.assert_array_equal(other, metric(keep, truth, counted))
    curve = segmentation.f1_curve(keep, truth, counted)
    np.testing.assert_array_equal(curve[:, 4], segmentation.f1_at(keep, truth, 0.5, counted))


def test_a_mask_below_zero_changes_no_bit_of_the_auc_of_its_company():
    generator = np.random.default_rng(3)
    keep = generator.integers(0, 50, (3, 20, 20, 1)).astype(np.float32) / 49
    keep[:, 0] = -0.0  # as large as the 0 of other pixels
    truth = (generator.random((3, 20, 20, 1)) < 0.5 * keep + 0.2).astype(np.float32)
    shifted = keep.copy()
    shifted[2] -= 0.5
    found, other = (segmentation.auc(jnp.asarray(x), jnp.asarray(truth)) for x in (keep, shifted))
    np.testing.assert_array_equal(found[:2], other[:2])
    by_ranks = by_hand(shifted[2].ravel(), truth[2].ravel())["auc"]
    np.testing.assert_allclose(other[2], by_ranks, rtol=1e-6)
