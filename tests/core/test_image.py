"""Image operations against SciPy, NumPy and values recorded from PyTorch 2.13."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from xai_jax.core import image

IMAGES = jnp.asarray(np.random.default_rng(0).random((2, 17, 23, 3)), jnp.float32)
EXACT = np.asarray(IMAGES, np.float64)
RAMP = jnp.asarray(((np.arange(12.0) ** 1.5) / 10).reshape(1, 3, 4, 1), jnp.float32)

# torch.nn.functional.interpolate(RAMP, mode="bilinear"), rounded to six digits.
ALIGNED_5_6 = [
    [0.0, 0.06, 0.136569, 0.246274, 0.377552, 0.519615],
    [0.4, 0.52541, 0.662467, 0.822818, 1.000089, 1.185821],
    [0.8, 0.99082, 1.188366, 1.399362, 1.622627, 1.852026],
    [1.531371, 1.757958, 1.990411, 2.234592, 2.489654, 2.750157],
    [2.262742, 2.525097, 2.792456, 3.069822, 3.356682, 3.648287],
]
ALIGNED_2_3 = [[0.0, 0.191421, 0.519615], [2.262742, 2.931139, 3.648287]]
HALF_PIXEL_5_6 = [
    [0.0, 0.05, 0.130474, 0.252369, 0.401229, 0.519615],
    [0.32, 0.413607, 0.548942, 0.715855, 0.905081, 1.05258],
    [0.8, 0.959017, 1.176644, 1.411084, 1.66086, 1.852026],
    [1.677645, 1.87243, 2.136886, 2.415573, 2.707514, 2.929783],
    [2.262742, 2.481371, 2.777046, 3.085232, 3.405282, 3.648287],
]
HALF_PIXEL_2_3 = [[0.225751, 0.467032, 0.807191], [1.964965, 2.52182, 3.12254]]


@pytest.mark.parametrize(
    ("padding", "mode"), [("reflect", "mirror"), ("symmetric", "reflect"), ("zero", "constant")]
)
@pytest.mark.parametrize("sigma", [0.75, 2.0, 6.0])
def test_the_gaussian_blur_is_scipys(padding, mode, sigma):
    expected = ndimage.gaussian_filter(
        EXACT, (0, sigma, sigma, 0), mode=mode, radius=int(np.ceil(4 * sigma))
    )  # at sigma 6 the kernel is wider than the picture and is mirrored more than once
    np.testing.assert_allclose(
        image.gaussian_blur(IMAGES, sigma, padding=padding), expected, atol=1e-6
    )


def test_the_half_width_of_the_blur_can_be_given():
    expected = ndimage.gaussian_filter(EXACT, (0, 2, 2, 0), mode="mirror", radius=(0, 3, 3, 0))
    np.testing.assert_allclose(image.gaussian_blur(IMAGES, 2.0, radius=3), expected, atol=1e-6)


def test_a_reflected_blur_leaves_a_flat_picture_and_a_zero_padded_one_darkens_its_corner():
    flat = jnp.ones((1, 40, 40, 1))
    np.testing.assert_allclose(image.gaussian_blur(flat, 5.0), flat, atol=1e-5)
    corner = image.gaussian_blur(flat, 5.0, padding="zero")[0, 0, 0, 0]
    # Half of the kernel and half of its middle tap along each axis.
    middle = 1 / np.exp(-0.5 * (np.arange(-20, 21) / 5) ** 2).sum()
    np.testing.assert_allclose(corner, ((1 + middle) / 2) ** 2, rtol=1e-5)


def test_no_blur_returns_the_pictures():
    np.testing.assert_array_equal(image.gaussian_blur(IMAGES, 0.0), IMAGES)


@pytest.mark.parametrize("side", [1, 3, 15])
def test_the_box_sum_is_scipys_mean_times_the_box(side):
    expected = side**2 * ndimage.uniform_filter(EXACT, (0, side, side, 0), mode="constant")
    np.testing.assert_allclose(image.box_sum(IMAGES, side), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (image.resize_align_corners, ALIGNED_5_6),
        (image.resize_align_corners, ALIGNED_2_3),
        (image.resize, HALF_PIXEL_5_6),
        (image.resize, HALF_PIXEL_2_3),
    ],
)
def test_resizing_is_pytorchs_bilinear_interpolation(function, expected):
    resized = function(RAMP, len(expected), len(expected[0]))
    np.testing.assert_allclose(resized[0, :, :, 0], expected, atol=2e-6)


def test_aligned_corners_interpolate_between_evenly_spread_samples():
    row = IMAGES[:1, :1, :, :1]
    found = image.resize_align_corners(row, 1, 60)[0, 0, :, 0]
    expected = np.interp(np.linspace(0, 22, 60), np.arange(23), row[0, 0, :, 0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_half_pixel_centres_hold_the_border_and_meet_in_the_middle_of_pixels():
    row = IMAGES[:1, :1, :, :1]
    found = image.resize(row, 1, 60)[0, 0, :, 0]
    expected = np.interp((np.arange(60) + 0.5) * 23 / 60 - 0.5, np.arange(23), row[0, 0, :, 0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("function", [image.resize, image.resize_align_corners])
def test_resizing_to_the_same_size_changes_nothing(function):
    np.testing.assert_allclose(function(IMAGES, 17, 23), IMAGES, atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: image.gaussian_blur(x, 2.0),
        lambda x: image.box_sum(x, 5),
        lambda x: image.resize(x, 9, 31),
        lambda x: image.resize_align_corners(x, 9, 31),
    ],
    ids=["blur", "box", "half-pixel", "align-corners"],
)
def test_each_is_linear_so_that_its_gradient_is_its_transpose(function):
    pull = jax.random.normal(jax.random.key(0), function(IMAGES).shape)
    gradient = jax.grad(lambda x: (function(x) * pull).sum())(jnp.asarray(IMAGES))
    np.testing.assert_allclose(
        (gradient * IMAGES).sum(), (function(IMAGES) * pull).sum(), rtol=1e-3
    )


def test_every_map_is_stretched_by_its_own_extremes_and_a_flat_one_is_zero():
    maps = jnp.array([[[2.0], [4.0]], [[-1.0], [3.0]]])[:, None]  # [2 1 2 1]
    flat = jnp.full((1, 1, 2, 1), 7.0)
    np.testing.assert_allclose(
        image.unit_range(jnp.concatenate([maps, flat])).ravel(), [0, 1, 0, 1, 0, 0]
    )


@pytest.mark.parametrize("spread", [1e-45, 1e-40, 1e-38, 2e-38, 1e-30, 1e-3, 1.0, 1e30, 3.4e38])
def test_a_stretched_map_is_within_0_and_1_at_any_scale(spread):
    draw = np.random.default_rng(0)
    maps = (draw.uniform(-1.0, 1.0, (200, 5, 7, 1)) * spread).astype(np.float32)
    shifted = (maps / 2 + 0.3 * spread).astype(np.float32)
    for function in (image.unit_range, jax.jit(image.unit_range)):
        for values in (maps, shifted):
            found = np.asarray(function(jnp.asarray(values)))
            assert found.min() >= 0.0 and found.max() <= 1.0  # and none is NaN
            if spread > 2e-38:
                np.testing.assert_allclose(found.max(axis=(1, 2, 3)), 1.0, atol=1e-6)
                np.testing.assert_array_equal(found.min(axis=(1, 2, 3)), 0.0)


def test_an_infinite_number_stretches_to_the_end_of_its_side():
    maps = jnp.array([-jnp.inf, 0.0, jnp.inf]).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(image.unit_range(maps).ravel(), [0.0, 0.5, 1.0], atol=1e-6)


@pytest.mark.parametrize("sigma", [-1.0, float("nan"), float("inf")])
def test_a_blur_of_no_width_there_is_is_refused(sigma):
    with pytest.raises(
        ValueError, match="gaussian_blur: sigma must be a finite number of at least"
    ):
        image.gaussian_blur(IMAGES, sigma)


def test_what_is_held_in_the_unit_range_has_a_slope_where_it_leads_back():
    drawn = jnp.array([-2.0, -2.0, 0.0, 0.4, 1.0, 3.0, 3.0]).reshape(1, -1, 1, 1)
    cotangent = jnp.array([-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0]).reshape(drawn.shape)
    held, back = jax.vjp(image.held_in_unit, drawn)
    np.testing.assert_array_equal(held, jnp.clip(drawn, 0.0, 1.0))
    # A step is against the gradient: below 0 one that is below 0 leads up.
    np.testing.assert_array_equal(back(cotangent)[0].ravel(), [-1, 0, 1, 1, 1, 1, 0])
