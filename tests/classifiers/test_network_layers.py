"""Pools and convolutions round, pad and average as PyTorch's documentation says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.classifiers import layers


def row(*numbers):
    """A picture of one row and one channel."""
    return jnp.array(numbers, jnp.float32)[None, None, :, None]


def pool_of_square(n: int, **settings) -> np.ndarray:
    """The pooled diagonal of a picture whose pixel (i, j) is i + j."""
    square = jnp.arange(n, dtype=jnp.float32)[:, None] + jnp.arange(n, dtype=jnp.float32)
    pooled = layers.max_pool(square[None, :, :, None], **settings)[0, :, :, 0]
    assert pooled.shape[0] == pooled.shape[1]
    return np.diagonal(pooled)


@pytest.mark.parametrize(
    ("n", "settings", "last_pixels"),
    [
        (7, {"size": 3, "stride": 2}, [2, 4, 6]),
        (8, {"size": 3, "stride": 2}, [2, 4, 6]),  # the eighth pixel is dropped
        (8, {"size": 3, "stride": 2, "ceil": True}, [2, 4, 6, 7]),  # a window of two remains
        (7, {"size": 2, "stride": 2, "ceil": True}, [1, 3, 5, 6]),
        (7, {"size": 3, "stride": 2, "ceil": True}, [2, 4, 6]),  # nothing remains
        (6, {"size": 3, "stride": 2, "padding": 1}, [1, 3, 5]),
        # The fourth window begins at pixel 5, inside.
        (6, {"size": 3, "stride": 2, "padding": 1, "ceil": True}, [1, 3, 5, 5]),
        (5, {"size": 3, "stride": 2, "padding": 1, "ceil": True}, [1, 3, 4]),
        # A third window would begin at pixel 5, in the padding: there is none.
        (5, {"size": 2, "stride": 3, "padding": 1, "ceil": True}, [0, 3]),
    ],
)
def test_max_pool_has_the_windows_of_pytorch(n, settings, last_pixels):
    # the largest of a window is twice its last pixel's index
    np.testing.assert_array_equal(pool_of_square(n, **settings), 2 * np.array(last_pixels))


@pytest.mark.parametrize("ceil", [False, True])
def test_max_pool_pads_with_minus_infinity_and_not_with_zero(ceil):
    negative = -1 - jnp.ones((1, 6, 6, 2))
    pooled = layers.max_pool(negative, 3, 2, padding=1, ceil=ceil)
    np.testing.assert_array_equal(pooled, -2.0)


def test_the_gradient_of_max_pool_goes_to_the_largest_pixel_alone():
    x = jnp.array([[1.0, 5.0], [2.0, 3.0]])[None, :, :, None]
    gradient = jax.grad(lambda x: layers.max_pool(x, 3, 2, padding=1).sum())(x)
    np.testing.assert_array_equal(gradient[0, :, :, 0], [[0, 1], [0, 0]])


def test_average_pool_drops_what_is_left_over():
    x = jnp.arange(9.0).reshape(1, 3, 3, 1)  # rows 0 1 2, 3 4 5, 6 7 8
    np.testing.assert_allclose(layers.average_pool(x, 2), [[[[2.0]]]])  # (0 + 1 + 3 + 4) / 4


@pytest.mark.parametrize(
    ("n", "size", "cells"),
    [
        (7, 7, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]),
        (5, 3, [(0, 2), (1, 4), (3, 5)]),  # floor(5 i / 3) to ceil(5 (i + 1) / 3)
        (2, 3, [(0, 1), (0, 2), (1, 2)]),
        (1, 2, [(0, 1), (0, 1)]),
        (8, 4, [(0, 2), (2, 4), (4, 6), (6, 8)]),
    ],
)
def test_adaptive_average_pool_averages_the_cells_of_pytorch(n, size, cells):
    x = np.random.default_rng(0).normal(size=(2, n, n, 3)).astype(np.float32)
    expected = [
        [x[:, top:bottom, left:right].mean(axis=(1, 2)) for left, right in cells]
        for top, bottom in cells
    ]
    expected = np.array(expected).transpose(2, 0, 1, 3)
    np.testing.assert_allclose(
        layers.adaptive_average_pool(jnp.asarray(x), size), expected, atol=1e-6
    )


@pytest.mark.parametrize("stride", [1, 2])
def test_a_1x1_convolution_takes_every_stride_th_pixel(stride):
    params = {"kernel": jnp.full((1, 1, 1, 1), 3.0), "bias": jnp.array([0.5])}
    out = layers.conv(params, row(1, 2, 3, 4, 5), stride=stride)
    expected = 3.0 * np.array([1, 2, 3, 4, 5])[::stride] + 0.5
    np.testing.assert_allclose(out[0, 0, :, 0], expected)


def test_convolution_pads_both_ends_alike_where_the_stride_leaves_a_choice():
    # Of 4 pixels with stride 2 and padding 1 the windows are (0 1 2) and (2 3 4): no right padding.
    params = {"kernel": jnp.zeros((3, 3, 1, 1)).at[1, :, 0, 0].set(1.0), "bias": jnp.zeros(1)}
    out = layers.conv(params, row(1, 2, 3, 4), stride=2, padding=1)
    np.testing.assert_allclose(out[0, 0, :, 0], [0 + 1 + 2, 2 + 3 + 4])


def test_the_hidden_head_flattens_channels_first():
    # Two equal rows of two pixels, the channels (1, 10) and (2, 20): all of one channel come first.
    activations = jnp.array([[[1.0, 10.0], [2.0, 20.0]]] * 2)[None]  # [1 2 2 2]
    identity = {"kernel": jnp.eye(8), "bias": jnp.zeros(8)}
    params = {"hidden": [identity], "classes": identity}
    out = layers.hidden_head(params, activations, grid=2)
    np.testing.assert_allclose(out, [[1, 2, 1, 2, 10, 20, 10, 20]])
