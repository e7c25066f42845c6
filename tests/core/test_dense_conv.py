"""The dense convolution is XLA's, in values and in both gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.dense_conv import dense, transposed

# kernel, stride, pads, input channels: the ported networks' and some that none has
CASES = [
    (3, 1, ((1, 1), (1, 1)), 3),  # VGG
    (7, 2, ((3, 3), (3, 3)), 3),  # ResNet, DenseNet, GoogLeNet
    (11, 4, ((2, 2), (2, 2)), 3),  # AlexNet
    (3, 2, ((0, 1), (0, 1)), 3),  # EfficientNet-Lite
    (3, 1, ((1, 1), (1, 1)), 6),
    (3, 2, ((1, 1), (1, 1)), 6),
    (5, 1, ((2, 2), (2, 2)), 6),
    (3, 3, ((2, 0), (0, 1)), 6),
    (4, 2, ((0, 0), (3, 1)), 5),
    (2, 1, ((0, 0), (0, 0)), 1),
    (2, 3, ((0, 0), (1, 1)), 2),  # with pixels that no window sees
]
SIDES = [(12, 13), (15, 14)]


def plain(x, kernel, stride, pads):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (stride,) * 2, pads, dimension_numbers=layout)


def inputs(size, channels, side):
    keys = jax.random.split(jax.random.key(size), 2)
    x = jax.random.normal(keys[0], (2, *side, channels))
    return x, jax.random.normal(keys[1], (size, size, channels, 5))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("size", "stride", "pads", "channels"), CASES)
def test_values_and_gradients_are_those_of_the_plain_convolution(
    size, stride, pads, channels, side
):
    x, kernel = inputs(size, channels, side)
    values, backward = jax.vjp(lambda x, k: dense(x, k, stride, pads), x, kernel)
    expected, expected_backward = jax.vjp(lambda x, k: plain(x, k, stride, pads), x, kernel)
    np.testing.assert_array_equal(values, expected)
    cotangent = jax.random.normal(jax.random.key(9), values.shape)
    for ours, theirs in zip(backward(cotangent), expected_backward(cotangent), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_under_vmap_each_example_is_convolved_by_itself():
    x, kernel = inputs(3, 6, (8, 8))

    def gradient(x):
        return jax.grad(lambda x: (dense(x, kernel, 2, ((1, 1), (1, 1))) ** 2).sum())(x)

    each = jax.vmap(lambda x: gradient(x[None])[0])(x)
    np.testing.assert_allclose(each, gradient(x), atol=2e-5)


def test_half_precision_stays_half():
    x, kernel = (value.astype(jnp.bfloat16) for value in inputs(3, 6, (8, 8)))
    gradient = jax.grad(lambda x: dense(x, kernel, 1, ((1, 1), (1, 1))).sum())(x)
    assert gradient.dtype == jnp.bfloat16


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_transposed_convolution_is_xlas_in_values_and_gradients(size):
    x, kernel = inputs(size, 3, (5, 7))

    def xlas(x, kernel):
        around = {2: (1, 1), 3: (1, 2), 4: (2, 2)}[size]
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            (1, 1),
            (around, around),
            lhs_dilation=(2, 2),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    values, backward = jax.vjp(transposed, x, kernel)
    expected, expected_backward = jax.vjp(xlas, x, kernel)
    np.testing.assert_allclose(values, expected, atol=2e-5)
    cotangent = jax.random.normal(jax.random.key(9), values.shape)
    for ours, theirs in zip(backward(cotangent), expected_backward(cotangent), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-5)


def test_a_transposed_convolution_makes_no_convolution_of_mostly_zeros():
    x, kernel = inputs(4, 3, (5, 7))
    gradient = jax.jit(jax.grad(lambda k: (transposed(x, k) ** 2).sum()))
    assert "lhs_dilate=2" not in gradient.lower(kernel).compile().as_text()
