"""Depthwise and 1x1 convolutions that are fast on every backend.

XLA's grouped convolution is an order of magnitude slow on CPUs (and its gradient worse), so there a
depthwise convolution is a sum of k * k shifted products with a gradient of the same form, and a 1x1
convolution a matrix product. GPUs and TPUs keep the native convolution.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Activations = Float[Array, "b h w c"]
Strided = Float[Array, "b y x c"]
Kernel = Float[Array, "kh kw 1 c"]  # HWIO with one input channel a group
Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))

_IN_CACHE = 128 * 1024  # numbers, half a megabyte
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def same_pads(size: tuple[int, int], kernel: int, stride: int) -> Pads:
    """TensorFlow's "SAME": as little as possible, the odd pixel at the bottom and the right."""

    def pads(n: int) -> tuple[int, int]:
        total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
        return total // 2, total - total // 2

    return pads(size[0]), pads(size[1])


def pointwise(
    x: Float[Array, "b h w i"], kernel: Float[Array, "1 1 i o"]
) -> Float[Array, "b h w o"]:
    """1x1 convolution as a matrix product."""
    return jnp.dot(x, kernel[0, 0])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def depthwise(x: Activations, kernel: Kernel, stride: int, pads: Pads) -> Strided:
    """Depthwise convolution of ``[b h w c]`` with ``[kh kw 1 c]``, stride 1 or 2.

    Args:
        x: activations.
        kernel: weights.
        stride: the same for both axes.
        pads: zero padding.
    """
    return _either(x, kernel, stride, pads)


# Compiled functions of their own, so that equal shapes are traced and lowered once: a network calls
# them dozens of times, and a program may hold the network several times.


@functools.partial(jax.jit, static_argnums=(2, 3))
def _either(x, kernel, stride: int, pads: Pads):
    return jax.lax.platform_dependent(
        x,
        kernel,
        cpu=functools.partial(_shifts, stride=stride, pads=pads),
        default=functools.partial(_native, stride=stride, pads=pads),
    )


@functools.partial(jax.jit, static_argnums=(3, 4))
def _either_backward(x, kernel, cotangent, stride: int, pads: Pads):
    return jax.lax.platform_dependent(
        x,
        kernel,
        cotangent,
        cpu=functools.partial(_shifts_backward, stride=stride, pads=pads),
        default=functools.partial(_native_backward, stride=stride, pads=pads),
    )


def _forward(x, kernel, stride: int, pads: Pads):
    return depthwise(x, kernel, stride, pads), (x, kernel)


def _backward(stride: int, pads: Pads, residuals, cotangent):
    # The choice is made anew here: differentiating through it would trace each side many times.
    return _either_backward(*residuals, cotangent, stride, pads)


depthwise.defvjp(_forward, _backward)


def _native(x, kernel, *, stride: int, pads: Pads):
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        pads,
        dimension_numbers=_LAYOUT,
        feature_group_count=x.shape[-1],
    )


def _native_backward(x, kernel, cotangent, *, stride: int, pads: Pads):
    return jax.vjp(functools.partial(_native, stride=stride, pads=pads), x, kernel)[1](cotangent)


def _shifts(x, kernel, *, stride: int, pads: Pads):
    return _correlate(jnp.pad(x, ((0, 0), *pads, (0, 0))), kernel, stride)


def _shifts_backward(x, kernel, cotangent, *, stride: int, pads: Pads):
    padded = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    full = _transpose(cotangent, kernel, stride, (padded.shape[1], padded.shape[2]))
    (top, _), (left, _) = pads
    grad_x = full[:, top : top + x.shape[1], left : left + x.shape[2], :]
    return grad_x, _kernel_gradient(padded, cotangent, kernel, stride)


def _correlate(padded, kernel, stride: int):
    """Sum of shifted products over the taps; `padded` [b H W c] -> [b h w c].

    In the words of `jax.lax`, for an index expression takes longer to trace than all the rest.
    """
    kh, kw, _, channels = kernel.shape
    batch = padded.shape[0]
    last = [(n - k) // stride * stride for n, k in zip(padded.shape[1:3], (kh, kw), strict=True)]

    def product(i: int, j: int):
        end = batch, i + last[0] + 1, j + last[1] + 1, channels
        window = jax.lax.slice(padded, (0, i, j, 0), end, (1, stride, stride, 1))
        weight = jax.lax.slice(kernel, (i, j, 0, 0), (i + 1, j + 1, 1, channels))
        return jax.lax.mul(window, jax.lax.broadcast_in_dim(weight, window.shape, (0, 1, 2, 3)))

    return functools.reduce(jax.lax.add, itertools.starmap(product, np.ndindex(kh, kw)))


def _kernel_gradient(padded, cotangent, kernel, stride: int):
    """[kh kw 1 c]; XLA drops it where only the gradient with respect to the images is asked for.

    Block by block of rows, so that the products of a tap are added to those of the last block while
    they are in the cache; as one reduction over the whole batch a tap it takes twice as long. One
    loop over blocks and taps, of which the compiler sees the body alone; never over pictures, which
    may lie on many devices.
    """
    kh, kw = kernel.shape[:2]
    batch, height, width, channels = cotangent.shape
    taps, row = kh * kw, batch * width * channels
    rows = max(n for n in range(1, height + 1) if height % n == 0 and _fits(n, taps * row))
    block = batch, rows, width, channels
    seen = batch, (rows - 1) * stride + 1, (width - 1) * stride + 1, channels
    dtype = jnp.promote_types(cotangent.dtype, jnp.float32)

    def add(number, sums):
        tap, y = number % taps, number // taps * rows
        at = 0, y * stride + tap // kw, tap % kw, 0
        window = jax.lax.dynamic_slice(padded, at, seen)[:, ::stride, ::stride]
        product = window * jax.lax.dynamic_slice(cotangent, (0, y, 0, 0), block)
        place = tap, 0, 0, 0, 0
        before = jax.lax.dynamic_slice(sums, place, (1, *block))
        return jax.lax.dynamic_update_slice(sums, before + product, place)

    begun = jnp.zeros((taps, *block), dtype)
    sums = jax.lax.fori_loop(0, height // rows * taps, add, begun)
    return sums.sum((1, 2, 3)).reshape(kernel.shape).astype(kernel.dtype)


def _fits(rows: int, numbers: int) -> bool:
    """Whether so many rows of the sums fit into a core's cache; one row always does."""
    return rows == 1 or rows * numbers <= _IN_CACHE


def _transpose(y, kernel, stride: int, size: tuple[int, int]):
    """The transpose of `_correlate`, [b h w c] -> [b H W c], phase by phase of the output grid."""
    batch, channels = y.shape[0], y.shape[3]
    cells = -(-size[0] // stride), -(-size[1] // stride)  # of stride x stride phases each
    phases = [
        [_phase(y, kernel[i::stride, j::stride], cells) for j in range(stride)]
        for i in range(stride)
    ]
    stacked = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)  # [b cy sy cx sx c]
    full = stacked.reshape(batch, cells[0] * stride, cells[1] * stride, channels)  # [b H W c]
    return full[:, : size[0], : size[1], :]


def _phase(y, taps, cells: tuple[int, int]):
    """One phase: the flipped taps of that phase over `y`, [b h w c] -> [b cy cx c]."""
    th, tw = taps.shape[:2]
    pads = [
        (0, 0),
        (th - 1, max(cells[0] - y.shape[1], 0)),
        (tw - 1, max(cells[1] - y.shape[2], 0)),
        (0, 0),
    ]
    return _correlate(jnp.pad(y, pads), taps[::-1, ::-1], 1)[:, : cells[0], : cells[1], :]
