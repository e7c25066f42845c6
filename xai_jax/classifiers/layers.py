"""Layers of the networks that PyTorch trained: explicit zero padding, pools rounded as there."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core import dense_conv
from xai_jax.core import max_pool as pool
from xai_jax.core.conv import pointwise
from xai_jax.core.image import separable
from xai_jax.core.types import AnyArray, Logits, PyTree

Drop = Callable[[int, AnyArray], AnyArray]  # (its place in the head, [b n]) -> the same with zeros

# Activations are [b h w c]; `params` of a layer is {"kernel", "bias"}.


def conv(params: PyTree, x: AnyArray, *, stride: int = 1, padding: int = 0) -> AnyArray:
    """Dense convolution with bias; 1x1 as a matrix product, which is faster on CPUs."""
    kernel = params["kernel"]
    if kernel.shape[:2] == (1, 1) and padding == 0:
        return pointwise(x[:, ::stride, ::stride, :], kernel) + params["bias"]
    pads = ((padding, padding), (padding, padding))
    return dense_conv.dense(x, kernel, stride, pads) + params["bias"]


def conv_relu(params: PyTree, x: AnyArray, *, stride: int = 1, padding: int = 0) -> AnyArray:
    """`conv`, then the positive part."""
    return jax.nn.relu(conv(params, x, stride=stride, padding=padding))


def dense(params: PyTree, x: Float[Array, "b i"]) -> Float[Array, "b o"]:
    """``[b in] -> [b out]``."""
    return x @ params["kernel"] + params["bias"]


def max_pool(
    x: AnyArray, size: int, stride: int, *, padding: int = 0, ceil: bool = False
) -> AnyArray:
    """Largest value of each window, the border padded with minus infinity.

    Args:
        x: activations.
        size: side of the window.
        stride: step of the window.
        padding: on every side.
        ceil: also take the last window that begins inside, though it reaches beyond the border.
    """
    pads = [(padding, padding + _missing(n, size, stride, padding, ceil)) for n in x.shape[1:3]]
    return pool.max_pool(x, size, stride, tuple(pads))


def _missing(n: int, size: int, stride: int, padding: int, ceil: bool) -> int:
    """How far beyond the padding the last window of PyTorch's ceil_mode reaches."""
    over = (n + 2 * padding - size) % stride
    if not ceil or over == 0:
        return 0
    start = n + 2 * padding - size - over + stride  # of the extra window, in the padded picture
    return stride - over if start < n + padding else 0


def average_pool(x: AnyArray, size: int) -> AnyArray:
    """Mean of each window; windows do not overlap, what is left over is dropped."""
    window = (1, size, size, 1)
    return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, window, "VALID") / size**2


def adaptive_average_pool(x: AnyArray, size: int) -> AnyArray:
    """``[b h w c] -> [b size size c]``: cells cover the picture and may overlap by a pixel."""
    height, width = x.shape[1:3]
    if (height, width) == (size, size):
        return x
    return separable(x, _cells(height, size), _cells(width, size))


def _cells(n: int, size: int) -> np.ndarray:
    cell, source = np.arange(size)[:, None], np.arange(n)[None]
    inside = (source >= cell * n // size) & (source < -(-(cell + 1) * n // size))
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)


def _as_it_is(index: int, x: AnyArray) -> AnyArray:
    del index
    return x


def mean_head(params: PyTree, activations: AnyArray, *, drop: Drop = _as_it_is) -> Logits:
    """Mean over space, then the dense layer "classes"; `drop` (dropout) stands between them."""
    return dense(params["classes"], drop(0, activations.mean(axis=(1, 2))))


def hidden_head(
    params: PyTree, activations: AnyArray, *, grid: int, drop: Drop = _as_it_is
) -> Logits:
    """Pooled to `grid` x `grid`, then the dense layers "hidden" and "classes".

    `drop` (dropout) stands behind each hidden layer.
    """
    x = adaptive_average_pool(activations, grid)
    x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)  # [b c*grid*grid], PyTorch's order
    for index, layer in enumerate(params["hidden"]):
        x = drop(index, jax.nn.relu(dense(layer, x)))
    return dense(params["classes"], x)
