"""Merging of class masks and their area bounds against sorting, closed forms and small cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.losses import class_masks
from xai_jax.train.interval import NotFinite, check_finite

SIZE, PIXELS = 224, 224 * 224


def bounded(class_keep, counted):
    return class_masks.bounded_area(class_keep, counted, min_area=0.05, max_area=0.3)


def sorted_bound(values):
    """One channel's bound by the formula, in NumPy: v_1 >= ... >= v_K, k_a = 2508, k_b = 15052."""
    v = np.sort(np.asarray(values, np.float64).ravel())[::-1]
    first, last = int(0.05 * v.size), int(0.3 * v.size)
    return ((1 - v[:first]).sum() + v[last:].sum()) / v.size


@pytest.mark.parametrize(("value", "bound"), [(0.0, 0.049984), (0.5, 0.375), (1.0, 0.700016)])
def test_the_bound_of_a_constant_mask_is_the_published_number(value, bound):
    keep = jnp.full((1, SIZE, SIZE, 1), value)
    np.testing.assert_allclose(bounded(keep, jnp.ones((1, 1))), [bound], atol=5e-7)


@pytest.mark.parametrize("rows", [4, 11, 12, 50, 67, 68, 200])
def test_a_binary_mask_pays_for_the_area_outside_the_bounds(rows):
    keep = jnp.zeros((1, SIZE, SIZE, 1)).at[:, :rows].set(1.0)
    share = rows / SIZE
    expected = max(0.05 - share, 0) + max(share - 0.3, 0)
    # Bounds are whole pixels, below the shares by less than one.
    np.testing.assert_allclose(bounded(keep, jnp.ones((1, 1))), [expected], atol=2 / PIXELS)


def test_the_bound_is_that_of_the_sorted_values_summed_over_the_targets_of_each_image():
    keep = np.random.default_rng(0).random((2, 19, 23, 3)).astype(np.float32) ** 3
    counted = jnp.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    each = np.array([[sorted_bound(keep[i, :, :, c]) for c in range(3)] for i in range(2)])
    expected = [each[0, 0] + each[0, 2], each[1, 1]]
    np.testing.assert_allclose(bounded(jnp.asarray(keep), counted), expected, rtol=1e-5)


def test_without_a_bound_that_side_costs_nothing():
    keep, counted = jnp.full((1, 10, 10, 1), 0.25), jnp.ones((1, 1))
    free = class_masks.bounded_area(keep, counted, min_area=0.0, max_area=1.0)
    lower = class_masks.bounded_area(keep, counted, min_area=0.2, max_area=1.0)
    upper = class_masks.bounded_area(keep, counted, min_area=0.0, max_area=0.4)
    np.testing.assert_allclose([free[0], lower[0], upper[0]], [0, 0.15, 0.15], rtol=1e-6)


def test_the_gradient_is_that_of_sorting_every_channel():
    logits = jax.random.normal(jax.random.key(0), (3, 17, 21, 7))
    labels = jnp.array([[1, 0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 1, 0], [0] * 7])

    def sorting_all(logits):
        flat = jax.nn.sigmoid(logits).transpose(0, 3, 1, 2).reshape(3, 7, -1)
        v = -jnp.sort(-flat, axis=2)
        first, last = int(0.05 * 357), int(0.3 * 357)
        each = ((1 - v[:, :, :first]).sum(2) + v[:, :, last:].sum(2)) / 357
        return (each * labels).sum()

    def gathered(logits):
        channels, counted = class_masks.target_channels(logits, labels, max_targets=4)
        return bounded(jax.nn.sigmoid(channels), counted).sum()

    expected, expected_gradient = jax.value_and_grad(sorting_all)(logits)
    value, gradient = jax.jit(jax.value_and_grad(gathered))(logits)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-8)
    assert np.abs(gradient[0, :, :, 3]).max() > 1e-4 and not np.asarray(gradient[2]).any()


def test_gathering_keeps_the_targets_channels_and_marks_the_padding():
    maps = jnp.arange(5.0).reshape(1, 1, 1, 5).repeat(2, axis=0) * jnp.ones((2, 2, 3, 1))
    labels = jnp.array([[0, 1, 0, 0, 1], [0, 0, 0, 2, 0]])
    channels, counted = class_masks.target_channels(maps, labels, max_targets=2)
    np.testing.assert_array_equal(counted, [[1, 1], [1, 0]])
    assert sorted(np.asarray(channels[0, 1, 2])) == [1.0, 4.0] and channels[1, 0, 0, 0] == 3.0


def test_more_targets_than_there_are_places_make_that_image_nan_and_no_other():
    keep, labels = jnp.full((2, 4, 4, 3), 0.5), jnp.array([[1, 1, 0], [1, 0, 0]])
    losses = bounded(*class_masks.target_channels(keep, labels, max_targets=1))
    assert np.isnan(losses[0]) and np.isfinite(losses[1])
    with pytest.raises(NotFinite, match="^area_bound is nan at step 1;.* raise .* max_targets, if"):
        check_finite(1, {"area_bound": losses.mean()})


def test_places_beyond_the_number_of_classes_are_not_made():
    channels, counted = class_masks.target_channels(
        jnp.zeros((1, 2, 2, 3)), jnp.ones((1, 3)), max_targets=9
    )
    assert channels.shape == (1, 2, 2, 3) and counted.shape == (1, 3)


def test_merging_takes_the_largest_mask_of_the_labels_and_of_the_others():
    logits = jnp.array([[-1.0, 2.0, 0.5, 3.0]]).reshape(1, 1, 1, 4)
    target, other = class_masks.merged(logits, jnp.array([[1, 0, 1, 0]]))
    np.testing.assert_allclose(target.ravel(), 1 / (1 + np.exp(-0.5)), rtol=1e-6)
    np.testing.assert_allclose(other.ravel(), 1 / (1 + np.exp(-3.0)), rtol=1e-6)


def test_an_empty_and_a_full_label_set_merge_to_zero_without_a_nan_in_the_gradient():
    logits = jax.random.normal(jax.random.key(1), (2, 3, 3, 4))
    labels = jnp.array([[0, 0, 0, 0], [1, 1, 1, 1]])
    target, other = class_masks.merged(logits, labels)
    np.testing.assert_array_equal(target[0], jnp.zeros((3, 3, 1)))
    np.testing.assert_array_equal(other[1], jnp.zeros((3, 3, 1)))
    np.testing.assert_allclose(other[0, :, :, 0], jax.nn.sigmoid(logits[0].max(axis=2)))

    gradient = jax.grad(lambda z: sum(m.sum() for m in class_masks.merged(z, labels)))(logits)
    peak = jax.nn.sigmoid(logits.max(axis=3))
    np.testing.assert_allclose(gradient.sum(axis=3), peak * (1 - peak), rtol=1e-5)
