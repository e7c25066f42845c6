"""Penalties on masks against NumPy, and their gradients by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.losses import masks
from xai_jax.losses.absolute import absolute


def maps_of(rows) -> jax.Array:
    return jnp.asarray(rows, jnp.float32)[None, :, :, None]


def test_area_and_total_are_the_mean_and_the_sum_over_the_pixels():
    maps = maps_of([[0.0, 1.0], [0.5, 0.25]])
    np.testing.assert_allclose(masks.area(maps), [0.4375])
    np.testing.assert_allclose(masks.total(maps), [1.75])


def test_squared_variation_is_the_sum_of_squared_steps_along_both_axes():
    maps = maps_of([[0.0, 1.0], [3.0, 1.0]])
    np.testing.assert_allclose(masks.squared_variation(maps), [1 + 4 + 9 + 0])


def test_variation_with_power_two_is_the_squared_variation():
    maps = jax.random.uniform(jax.random.key(0), (3, 5, 7, 1))
    np.testing.assert_allclose(masks.variation(maps, 2.0), masks.squared_variation(maps), rtol=1e-6)


def test_variation_takes_the_length_of_the_step_to_the_right_and_down_to_its_power():
    maps = maps_of([[0.0, 3.0], [4.0, 0.0]])
    # Corners in reading order: steps (4 down, 3 right), (-3 down), (-4 right), none.
    np.testing.assert_allclose(masks.variation(maps, 3.0), [5**3 + 3**3 + 4**3], rtol=1e-6)
    np.testing.assert_allclose(masks.variation(maps, 1.0), [5 + 3 + 4], rtol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("penalty", [masks.mean_variation, masks.mean_squared_variation])
def test_the_mean_steps_of_a_flat_map_have_no_slope_as_pytorch_has_none(penalty, level):
    slope = jax.grad(lambda maps: penalty(maps).sum())(jnp.full((1, 4, 5, 1), level))
    np.testing.assert_array_equal(slope, 0.0)


def test_the_absolute_value_has_the_slope_of_its_sign():
    value, slope = jax.vmap(jax.value_and_grad(absolute))(jnp.array([-2.0, 0.0, 3.0]))
    np.testing.assert_array_equal(value, [2.0, 0.0, 3.0])
    np.testing.assert_array_equal(slope, [-1.0, 0.0, 1.0])


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_a_flat_map_has_no_variation_and_no_gradient(power):
    value, gradient = jax.value_and_grad(lambda m: masks.variation(m, power).sum())(
        jnp.ones((1, 4, 4, 1))
    )
    assert value == 0.0
    np.testing.assert_array_equal(gradient, jnp.zeros((1, 4, 4, 1)))


def test_area_deviation_is_the_distance_of_the_sorted_mask_from_a_step():
    maps = np.random.default_rng(0).random((3, 9, 11, 1)).astype(np.float32)
    num_dark = np.array([10, 50, 98], np.int32)
    expected = []
    for values, dark in zip(maps.reshape(3, -1), num_dark, strict=True):
        step = np.r_[np.zeros(dark), np.ones(99 - dark)]
        expected.append(np.mean((np.sort(values).astype(np.float64) - step) ** 2))
    deviation = masks.area_deviation(jnp.asarray(maps), jnp.asarray(num_dark))
    np.testing.assert_allclose(deviation, expected, rtol=1e-6)


def test_area_deviation_pulls_the_brightest_pixels_to_one_and_the_others_to_zero():
    maps = maps_of([[0.1, 0.9], [0.4, 0.6]])
    gradient = jax.grad(lambda m: masks.area_deviation(m, jnp.array([3])).sum())(maps)
    # One pixel of four is to be bright: 2 (m - r) / 4 with r = 1 for the pixel at 0.9 only.
    np.testing.assert_allclose(gradient[0, :, :, 0], [[0.05, -0.05], [0.2, 0.3]], rtol=1e-6)


def test_equal_pixels_at_the_limit_share_the_bright_places_that_are_left():
    maps = maps_of([[0.5, 0.5], [0.5, 0.9]])
    value, gradient = jax.value_and_grad(lambda m: masks.area_deviation(m, jnp.array([2])).sum())(
        maps
    )
    np.testing.assert_allclose(
        value, (3 * 0.25 + 0.01) / 4, rtol=1e-6
    )  # however a sort breaks the tie
    third = 2 * (0.5 - 1 / 3) / 4  # one of the three equal pixels is to be bright
    np.testing.assert_allclose(gradient[0, :, :, 0], [[third, third], [third, -0.05]], rtol=1e-5)


@pytest.mark.parametrize("dark", [0, 16])
def test_area_deviation_of_all_or_nothing_needs_no_limit(dark):
    maps = jax.random.uniform(jax.random.key(1), (1, 4, 4, 1))
    goal = 1.0 if dark == 0 else 0.0
    np.testing.assert_allclose(
        masks.area_deviation(maps, jnp.array([dark])), jnp.mean((maps - goal) ** 2)[None], rtol=1e-6
    )


def test_area_deviation_of_a_hard_mask_of_that_area_is_zero():
    maps = jnp.zeros((1, 10, 10, 1)).at[:, :2, :5].set(1.0)
    np.testing.assert_array_equal(masks.area_deviation(maps, jnp.array([90])), [0.0])


def test_mean_variation_of_a_step_edge_is_one_over_the_columns_and_twice_that_at_the_far_border():
    keep = np.zeros((2, 224, 224, 1), np.float32)
    keep[0, :, :100], keep[1, :, :223] = 1.0, 1.0
    np.testing.assert_allclose(
        masks.mean_variation(jnp.asarray(keep)), [1 / 224, 2 / 224], rtol=1e-6
    )
    np.testing.assert_allclose(
        masks.mean_squared_variation(jnp.asarray(keep) / 2), [1 / 896, 2 / 896]
    )


def test_mean_variation_of_a_square_inside_is_its_circumference_over_the_pixels():
    keep = np.zeros((1, 224, 224, 1), np.float32)
    keep[:, 50:150, 60:160] = 1.0
    np.testing.assert_allclose(masks.mean_variation(jnp.asarray(keep)), [400 / 224**2], rtol=1e-6)


def test_mean_variation_is_that_of_a_map_padded_by_reflection():
    maps = np.random.default_rng(2).random((3, 5, 7, 1)).astype(np.float32)
    padded = np.pad(maps[..., 0], ((0, 0), (0, 1), (0, 1)), mode="reflect").astype(np.float64)
    down, across = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    sizes = np.abs(down) + np.abs(across)
    np.testing.assert_allclose(
        masks.mean_variation(jnp.asarray(maps)), sizes.mean(axis=(1, 2)), rtol=1e-6
    )
    squares = (down**2 + across**2).mean(axis=(1, 2))
    np.testing.assert_allclose(masks.mean_squared_variation(jnp.asarray(maps)), squares, rtol=1e-6)


def test_the_bordered_variation_adds_the_squares_of_all_four_borders():
    maps = maps_of([[1.0, 2.0], [3.0, 5.0]])
    steps, borders = 4 + 9 + 1 + 4, 2 * (1 + 4 + 9 + 25)  # each corner lies on two borders
    found = masks.bordered_squared_variation(maps, 0.3)
    np.testing.assert_allclose(found, [(steps + 0.3 * borders) / 2], rtol=1e-6)


def test_the_rooted_area_of_nothing_is_the_offset_to_its_power():
    maps = jnp.stack([jnp.zeros((2, 2, 1)), jnp.ones((2, 2, 1))])
    areas = masks.rooted_area(maps, power=0.3, offset=0.0005)
    np.testing.assert_allclose(areas, [0.0005**0.3, 1.0005**0.3], rtol=1e-6)


def test_the_brightest_are_marked_and_equals_share_the_last_place():
    values = jnp.array([[0.2, 0.9, 0.2, 0.5], [0.1, 0.2, 0.3, 0.4]])
    marked = masks.brightest(values, jnp.array([3, 0]))
    np.testing.assert_allclose(marked, [[0.5, 1, 0.5, 1], [0, 0, 0, 0]])
