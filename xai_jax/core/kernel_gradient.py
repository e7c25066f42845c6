"""The gradient of a dense convolution with respect to its kernel, fast on CPUs, in loops too.

For XLA it is a convolution whose window is as large as the picture: on CPUs it takes two to eight
times as long as the forward pass, for what it lays out is in no cache, and in a loop, where
gradients are accumulated, fifty times as long again, for the order of its axes has no fast kernel
there. Here it is the sum over blocks of pictures and rows, small enough for a cache, with its axes
moved beforehand; or where channels are many one matrix product for each tap, of what the tap has
seen. Either takes one to two times the forward pass. GPUs and TPUs keep XLA's.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp

from xai_jax.core.conv import Pads

LAYOUT = ("NHWC", "HWIO", "NHWC")
_WIDE = 96  # output channels from which on a matrix product a tap is faster than blocks
_IN_BLOCK = 800_000  # numbers, what the places of a block see
_TOGETHER = 8  # pictures in a block


def convolved(x, kernel, stride: int, pads: Pads, dilation: int):
    """XLA's dense convolution of ``[b h w i]`` with ``[kh kw i o]``."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        pads,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=LAYOUT,
    )


def bordered(x, pads: Pads):
    """``[b h w c]`` with so many zeros around it."""
    return jax.lax.pad(x, x.dtype.type(0), ((0, 0, 0), *((*pad, 0) for pad in pads), (0, 0, 0)))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def kernel_gradient(stride: int, pads: Pads, dilation: int, x, kernel, cotangent):
    """``[kh kw i o]`` of activations ``[b h w i]`` and cotangents ``[b y x o]``."""

    def native(x, kernel, cotangent):
        return jax.vjp(lambda k: convolved(x, k, stride, pads, dilation), kernel)[1](cotangent)[0]

    def on_cpu(x, kernel, cotangent):
        ways = _by_taps if kernel.shape[-1] >= _WIDE else _by_blocks
        return ways(x, kernel, cotangent, stride, pads, dilation)

    return jax.lax.platform_dependent(x, kernel, cotangent, cpu=on_cpu, default=native)


def _by_taps(x, kernel, cotangent, stride: int, pads: Pads, dilation: int):
    """A matrix product for each tap, of what it has seen."""
    padded = bordered(x, pads)
    numbers = cotangent.reshape(-1, cotangent.shape[-1])

    def seen(tap: int, axis: int) -> slice:
        first = tap * dilation
        return slice(first, first + (cotangent.shape[axis] - 1) * stride + 1, stride)

    def product(row: int, column: int):
        of_tap = padded[:, seen(row, 1), seen(column, 2)].reshape(len(numbers), -1)
        return jax.lax.dot_general(of_tap, numbers, (((0,), (0,)), ((), ())))

    taps = [[product(i, j) for j in range(kernel.shape[1])] for i in range(kernel.shape[0])]
    return jnp.stack([jnp.stack(row) for row in taps])


def _by_blocks(x, kernel, cotangent, stride: int, pads: Pads, dilation: int):
    """The sum over blocks of pictures and rows, each of which fits into a cache."""
    pictures, rows = _block(cotangent.shape, math.prod(kernel.shape[:3]))
    # Every so many pictures are a block, not neighbours: those of a device stay there.
    inputs, outputs = (z.reshape(pictures, -1, *z.shape[1:]) for z in (x, cotangent))
    height, width = cotangent.shape[1:3]
    spans = [(side - 1) * dilation + 1 for side in kernel.shape[:2]]
    sums = jnp.zeros(kernel.shape, jnp.promote_types(kernel.dtype, jnp.float32))
    right, beside = _seen(0, width, stride, pads[1][0], spans[1], x.shape[2])
    for block, first in itertools.product(range(inputs.shape[1]), range(0, height, rows)):
        last = min(first + rows, height)
        down, above = _seen(first, last, stride, pads[0][0], spans[0], x.shape[1])
        # As XLA writes it, but for the moved axes, which in loops cost it the fast kernels.
        of_block = jax.lax.conv_general_dilated(
            inputs[:, block, down, right].transpose(3, 1, 2, 0),
            outputs[:, block, first:last].transpose(1, 2, 0, 3),
            (dilation, dilation),
            (above, beside),
            rhs_dilation=(stride, stride),
            dimension_numbers=LAYOUT,
        )
        sums += of_block.transpose(1, 2, 0, 3)
    return sums.astype(kernel.dtype)


def _seen(first: int, last: int, stride: int, pad: int, span: int, size: int):
    """The pixels of an axis that these outputs see, and as how many they see before and behind."""
    begin, end = first * stride - pad, (last - 1) * stride + span - pad
    inside = min(max(begin, 0), size), min(max(end, 0), size)
    return slice(*inside), (inside[0] - begin, end - inside[1])


def _block(shape: tuple[int, ...], seen: int) -> tuple[int, int]:
    """Pictures and rows of a block of outputs of this shape, each of which sees so many numbers."""
    count, height, width, _ = shape
    pictures = _TOGETHER if count % _TOGETHER == 0 else count
    blocks = -(-pictures * height * width * seen // _IN_BLOCK)
    return pictures, -(-height // min(blocks, height))
