"""The dense convolution is XLA's, in values and in both gradients."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core import kernel_gradient
from xai_jax.core.dense_conv import dense, transposed

# kernel, stride, dilation, pads, input channels: the ported networks' and some that none has
CASES = [
    (3, 1, 1, ((1, 1), (1, 1)), 3),  # VGG
    (7, 2, 1, ((3, 3), (3, 3)), 3),  # ResNet, DenseNet, GoogLeNet
    (11, 4, 1, ((2, 2), (2, 2)), 3),  # AlexNet
    (3, 2, 1, ((0, 1), (0, 1)), 3),  # EfficientNet-Lite
    (3, 1, 1, ((1, 1), (1, 1)), 6),
    (3, 2, 1, ((1, 1), (1, 1)), 6),
    (5, 1, 1, ((2, 2), (2, 2)), 6),
    (3, 3, 1, ((2, 0), (0, 1)), 6),
    (4, 2, 1, ((0, 0), (3, 1)), 5),
    (2, 1, 1, ((0, 0), (0, 0)), 1),
    (2, 3, 1, ((0, 0), (1, 1)), 2),  # with pixels that no window sees
    (3, 1, 2, ((2, 2), (2, 2)), 6),  # DeepLab, the VAE, DeepFill
    (3, 1, 4, ((4, 1), (3, 4)), 3),
    (3, 2, 2, ((2, 2), (2, 1)), 6),
]
SIDES = [(12, 13), (15, 14)]
CHANNELS = [5, 33]  # of the output: few, many


def plain(x, kernel, stride, pads, dilation):
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride,) * 2,
        pads,
        rhs_dilation=(dilation,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def inputs(size, channels, side, outputs=5):
    keys = jax.random.split(jax.random.key(size), 2)
    x = jax.random.normal(keys[0], (2, *side, channels))
    return x, jax.random.normal(keys[1], (size, size, channels, outputs))


@pytest.mark.parametrize("outputs", CHANNELS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("size", "stride", "dilation", "pads", "channels"), CASES)
def test_values_and_gradients_are_those_of_the_plain_convolution(
    size, stride, dilation, pads, channels, side, outputs
):
    x, kernel = inputs(size, channels, side, outputs)
    how = stride, pads, dilation
    values, backward = jax.vjp(lambda x, k: dense(x, k, *how), x, kernel)
    expected, expected_backward = jax.vjp(lambda x, k: plain(x, k, *how), x, kernel)
    np.testing.assert_array_equal(values, expected)
    cotangent = jax.random.normal(jax.random.key(9), values.shape)
    for ours, theirs in zip(backward(cotangent), expected_backward(cotangent), strict=True):
        assert ours.dtype == theirs.dtype
        # 2e-5 where few channels are summed, and in proportion where many are.
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * outputs / 5)


PRODUCTS = [  # inputs, outputs, kernel, pads
    (32, 33, 3, ((1, 1), (1, 1))),
    (64, 12, 3, ((2, 1), (0, 3))),
    (40, 64, 2, ((0, 1), (0, 1))),
    (8, 3, 5, ((2, 2), (2, 2))),
]


@pytest.mark.parametrize(("channels", "outputs", "size", "pads"), PRODUCTS)
def test_many_channels_become_few_by_one_product(channels, outputs, size, pads):
    x, kernel = inputs(size, channels, (12, 13), outputs)
    forward = jax.jit(lambda x, kernel: dense(x, kernel, 1, pads))
    assert "convolution" not in forward.lower(x, kernel).compile().as_text()
    expected = plain(*(np.asarray(n) for n in (x, kernel)), 1, pads, 1)
    off = np.abs(forward(x, kernel) - expected).max()
    assert off < 1e-6 * size**2 * channels  # normal numbers, as many of them summed


@pytest.mark.parametrize("dilation", [1, 2])
def test_on_cpus_no_convolution_is_without_padding(dilation):
    x, kernel = inputs(3, 8, (12, 13), 16)
    pads = ((0, 0), (0, 0))
    forward = jax.jit(lambda x, k: dense(x, k, 1, pads, dilation))
    np.testing.assert_allclose(forward(x, kernel), plain(x, kernel, 1, pads, dilation), atol=2e-5)
    found = re.findall(r"window={[^}]*}", forward.lower(x, kernel).compile().as_text())
    assert found and all("pad=" in window for window in found)


HEAVY = [  # side of the kernel, pads, inputs, outputs
    (3, ((1, 1), (1, 1)), 350, 320),
    (3, ((0, 2), (3, 1)), 350, 320),
    (2, ((0, 0), (1, 0)), 500, 501),
]


@pytest.mark.parametrize(("size", "pads", "channels", "outputs"), HEAVY)
def test_a_heavy_kernel_is_read_where_it_lies(size, pads, channels, outputs):
    x, kernel = inputs(size, channels, (6, 7), outputs)
    values, backward = jax.vjp(lambda x, k: dense(x, k, 1, pads), x, kernel)
    expected, expected_backward = jax.vjp(lambda x, k: plain(x, k, 1, pads, 1), x, kernel)
    np.testing.assert_allclose(values, expected, atol=5e-4)
    np.testing.assert_array_equal(dense(x, kernel, 1, pads), values)
    cotangent = jax.random.normal(jax.random.key(9), values.shape)
    for ours, theirs in zip(backward(cotangent), expected_backward(cotangent), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-4)


def test_of_a_heavy_kernel_no_copy_is_made():
    x, kernel = inputs(3, 350, (3, 3), 320)
    cotangent = jnp.ones((2, 3, 3, 320))

    def of_input(x, kernel, cotangent):
        values, backward = jax.vjp(lambda x: dense(x, kernel, 1, ((1, 1), (1, 1))), x)
        return values, backward(cotangent)

    program = jax.jit(of_input).lower(x, kernel, cotangent).compile()
    assert "convolution" not in program.as_text()
    assert program.memory_analysis().temp_size_in_bytes < kernel.nbytes


@pytest.mark.parametrize("shape", [(2, 512, 512, 32), (2, 12, 12, 16), (2, 12, 12, 128)])
def test_what_exceeds_the_cache_or_gains_nothing_stays_a_convolution(shape):
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    kernel = jax.ShapeDtypeStruct((3, 3, shape[-1], max(32, shape[-1])), jnp.float32)
    forward = jax.jit(lambda x, kernel: dense(x, kernel, 1, ((1, 1), (1, 1))))
    assert "convolution" in forward.lower(x, kernel).compile().as_text()


@pytest.mark.parametrize(("size", "stride", "dilation", "pads", "channels"), CASES)
@pytest.mark.parametrize("pictures", [3, 16])
def test_a_kernels_gradient_is_the_same_in_blocks(
    monkeypatch, size, stride, dilation, pads, channels, pictures
):
    monkeypatch.setattr(kernel_gradient, "_IN_BLOCK", 20 * size**2 * channels)  # two rows or so
    keys = jax.random.split(jax.random.key(size), 2)
    x = jax.random.normal(keys[0], (pictures, 15, 14, channels))
    kernel = jnp.zeros((size, size, channels, 5))
    values, backward = jax.vjp(lambda k: plain(x, k, stride, pads, dilation), kernel)
    cotangent = jax.random.normal(keys[1], values.shape)
    ours = kernel_gradient._by_blocks(x, kernel, cotangent, stride, pads, dilation)
    np.testing.assert_allclose(ours, backward(cotangent)[0], atol=2e-4)


def test_rows_that_see_nothing_but_padding_add_nothing(monkeypatch):
    monkeypatch.setattr(kernel_gradient, "_IN_BLOCK", 1)  # a row
    x, kernel = inputs(3, 2, (4, 4))
    pads = ((6, 5), (2, 2))
    values, backward = jax.vjp(lambda k: plain(x, k, 1, pads, 1), kernel)
    ours = kernel_gradient._by_blocks(x, kernel, values, 1, pads, 1)
    np.testing.assert_allclose(ours, backward(values)[0], rtol=1e-5)


def _of_kernel(convolve, outputs: int):
    """A function of a kernel that differentiates, and the kernel: 8 pictures of 64 x 64."""
    x = jnp.ones((8, 64, 64, 16))

    def loss(kernel):
        return (convolve(x, kernel, 1, ((1, 1), (1, 1)), 1) ** 2).sum()

    return jax.grad(loss), jax.ShapeDtypeStruct((3, 3, 16, outputs), jnp.float32)


@pytest.mark.parametrize(
    ("convolve", "outputs", "largest"), [(plain, 16, 64), (dense, 16, 11), (dense, 96, 3)]
)
def test_a_kernels_gradient_has_no_window_as_large_as_the_picture(convolve, outputs, largest):
    gradient, kernel = _of_kernel(convolve, outputs)
    program = jax.jit(gradient).lower(kernel).compile().as_text()
    assert max(int(side) for side in re.findall(r"window={size=(\d+)x", program)) == largest


@pytest.mark.parametrize(("convolve", "fast"), [(plain, False), (dense, True)])
def test_in_a_loop_every_convolution_keeps_the_fast_kernels(convolve, fast):
    gradient, kernel = _of_kernel(convolve, 16)

    def loop(kernel):
        return jax.lax.fori_loop(0, 3, lambda _, k: k + gradient(k), kernel)

    program = jax.jit(loop).lower(kernel).compile().as_text()
    orders = set(re.findall(r"dim_labels=(\S+?),? ", program))
    assert (orders == {"b01f_01io->b01f"}) == fast


def test_the_gradient_of_a_wide_kernel_needs_little_more_memory_than_the_picture():
    x, kernel = inputs(3, 64, (32, 32), outputs=64)
    gradient = jax.jit(jax.grad(lambda k: (dense(x, k, 1, ((1, 1), (1, 1))) ** 2).sum()))
    needed = gradient.lower(kernel).compile().memory_analysis().temp_size_in_bytes
    assert needed < 5 * x.nbytes


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
