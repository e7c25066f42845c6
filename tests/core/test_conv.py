"""The fast convolutions are the plain ones, in values and gradients, at every size and padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core import conv

CASES = [
    (stride, kernel, size, padding)
    for stride in (1, 2)
    for kernel in (3, 5)
    for size, padding in (
        ((8, 7), "same"),
        ((5, 6), "same"),
        ((5, 8), "symmetric"),
        ((8, 9), "none"),
    )
]


def grouped(x, kernel, stride, pads):
    """XLA's own depthwise convolution."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        pads,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
        precision=jax.lax.Precision.HIGHEST,
    )


def by_hand(x, kernel, stride, pads):
    """The definition, one output pixel at a time, in NumPy and float64."""
    x = np.pad(np.asarray(x, np.float64), ((0, 0), *pads, (0, 0)))
    kernel = np.asarray(kernel, np.float64)[:, :, 0]
    kh, kw, _ = kernel.shape
    rows = range(0, x.shape[1] - kh + 1, stride)
    columns = range(0, x.shape[2] - kw + 1, stride)
    window = lambda i, j: (x[:, i : i + kh, j : j + kw] * kernel).sum(axis=(1, 2))  # noqa: E731
    return np.stack([np.stack([window(i, j) for j in columns], 1) for i in rows], 1)


def inputs(kernel: int, size: tuple[int, int], channels: int = 4):
    keys = jax.random.split(jax.random.key(kernel + 10 * size[0]), 2)
    x = jax.random.normal(keys[0], (2, *size, channels))
    return x, jax.random.normal(keys[1], (kernel, kernel, 1, channels))


@pytest.mark.parametrize(("stride", "kernel", "size", "padding"), CASES)
def test_depthwise_has_the_values_and_gradients_of_the_grouped_convolution(
    stride, kernel, size, padding
):
    x, weights = inputs(kernel, size)
    pads = {
        "same": conv.same_pads(size, kernel, stride),
        "symmetric": ((kernel // 2,) * 2,) * 2,
        "none": ((0, 0), (0, 0)),
    }[padding]

    def answers(function):
        out, pull = jax.vjp(lambda x, k: function(x, k, stride, pads), x, weights)
        return out, *pull(jnp.cos(jnp.arange(out.size, dtype=jnp.float32)).reshape(out.shape))

    fast, plain = jax.jit(lambda: (answers(conv.depthwise), answers(grouped)))()
    np.testing.assert_allclose(fast[0], by_hand(x, weights, stride, pads), atol=1e-5)
    for ours, theirs in zip(fast, plain, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_kernels_gradient_in_many_blocks_of_rows_is_that_of_the_grouped_convolution(stride):
    x, weights = inputs(3, (40, 40), channels=64)
    pads = ((1, 1), (1, 1))

    def gradient(function):
        return jax.jit(jax.grad(lambda k: (function(x, k, stride, pads) ** 2).sum()))(weights)

    np.testing.assert_allclose(gradient(conv.depthwise), gradient(grouped), rtol=1e-4, atol=1e-2)


def test_depthwise_on_a_cpu_compiles_to_no_grouped_convolution():
    x, weights = inputs(3, (8, 8))
    function = lambda x, k: conv.depthwise(x, k, 1, ((1, 1), (1, 1)))  # noqa: E731
    gradient = jax.grad(lambda x, k: function(x, k).sum())
    for each in (function, gradient):
        assert "convolution(" not in jax.jit(each).lower(x, weights).compile().as_text()
        on_gpu = jax.jit(each).trace(x, weights).lower(lowering_platforms=("cuda",)).as_text()
        assert "stablehlo.convolution" in on_gpu


def test_the_gradient_of_a_kernel_is_a_loop_so_that_a_larger_one_compiles_no_longer():
    def reductions(kernel):
        x, weights = inputs(kernel, (8, 8))
        function = lambda k: conv.depthwise(x, k, 1, ((1, 1), (1, 1))).sum()  # noqa: E731
        return jax.jit(jax.grad(function)).lower(weights).as_text().count("stablehlo.reduce")

    assert reductions(3) == reductions(5) < 9


def test_pointwise_is_the_1x1_convolution():
    x = jax.random.normal(jax.random.key(0), (2, 5, 6, 3))
    kernel = jax.random.normal(jax.random.key(1), (1, 1, 3, 7))
    expected = np.einsum("bhwi,io->bhwo", np.asarray(x), np.asarray(kernel)[0, 0])
    np.testing.assert_allclose(conv.pointwise(x, kernel), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [
        (8, 3, 1, (1, 1)),
        (8, 3, 2, (0, 1)),  # 4 outputs reach (4 - 1) * 2 + 3 = 9 pixels: one is missing, at the end
        (7, 3, 2, (1, 1)),  # 4 outputs reach 9 pixels: two are missing
        (8, 5, 2, (1, 2)),  # 4 outputs reach 11 pixels: three are missing
        (4, 1, 2, (0, 0)),  # nothing is missing, and nothing is taken away
    ],
)
def test_same_padding_is_tensorflows(size, kernel, stride, pads):
    assert conv.same_pads((size, size), kernel, stride) == (pads, pads)
