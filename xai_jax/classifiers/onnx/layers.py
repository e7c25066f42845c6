"""ONNX operators with weights or windows. Activations are ``[b c ...]`` there and here.

Convolutions and pools run channels last, as they are fast on every backend; the compiler drops the
transpositions between them.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx.arithmetic import Operator, library
from xai_jax.classifiers.onnx.file import Node
from xai_jax.core import conv, dense_conv, max_pool

HWIO = "kernel is [h w i o]"  # an attribute of convolutions whose kernel was turned when loaded
_LARGEST_POOL = 11  # of `core.max_pool`

Pads = tuple[tuple[int, int], ...]


def _pads(
    node: Node,
    size: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    ceil: bool = True,
) -> Pads:
    """Zero padding of each axis of space, with what ceil_mode adds at its end unless not `ceil`."""
    dilations = node.get("dilations", (1,) * len(size))
    reach = [(side - 1) * step + 1 for side, step in zip(window, dilations, strict=True)]
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max((-(-n // stride) - 1) * stride + side - n, 0)
            for n, side, stride in zip(size, reach, strides, strict=True)
        ]
        halves = [(n // 2, n - n // 2) for n in total]
        return tuple(halves if auto == "SAME_UPPER" else [(high, low) for low, high in halves])
    pads = node.get("pads", (0,) * 2 * len(size)) if auto == "NOTSET" else (0,) * 2 * len(size)
    pairs = list(zip(pads[: len(size)], pads[len(size) :], strict=True))
    if not ceil or not node.get("ceil_mode", 0):
        return tuple(pairs)
    return tuple(
        (low, high + _beyond(n, low, high, side, stride))
        for n, (low, high), side, stride in zip(size, pairs, reach, strides, strict=True)
    )


def _beyond(n: int, low: int, high: int, side: int, stride: int) -> int:
    """How far the last window of ceil_mode reaches, if it begins before the end padding."""
    over = (n + low + high - side) % stride
    if over == 0:
        return 0
    start = n + low + high - side - over + stride
    return stride - over if start < n + low else 0


def _channels_last(x: Any) -> Any:
    return jnp.moveaxis(x, 1, -1)


def _channels_first(x: Any) -> Any:
    return jnp.moveaxis(x, -1, 1)


def _conv(node: Node, x: Any, kernel: Any, bias: Any = None) -> Any:
    """Kernels are ``[o i/groups ...]`` in the file."""
    if not node.get(HWIO, False):
        kernel = jnp.moveaxis(kernel, (0, 1), (-1, -2))
    space = kernel.shape[:-2]
    strides = node.get("strides", (1,) * len(space))
    pads = _pads(node, x.shape[2:], space, strides)
    x = _convolved(node, _channels_last(x), kernel, strides, pads)
    return _channels_first(x if bias is None else x + bias)


def _convolved(node: Node, x: Any, kernel: Any, strides: tuple[int, ...], pads: Pads) -> Any:
    groups, dilations = node.get("group", 1), node.get("dilations", (1,) * len(strides))
    square = len(strides) == 2 and len(set(strides)) == len(set(dilations)) == 1
    if square and groups == 1:
        if kernel.shape[:2] == (1, 1) and not any(map(any, pads)):
            return conv.pointwise(x[:, :: strides[0], :: strides[1]], kernel)
        return dense_conv.dense(x, kernel, strides[0], pads, dilations[0])
    if (
        square
        and dilations[0] == 1
        and groups == x.shape[-1] == kernel.shape[-1]
        and strides[0] <= 2
    ):
        return conv.depthwise(x, kernel, strides[0], pads)
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        strides,
        pads,
        rhs_dilation=dilations,
        dimension_numbers=_layout(len(strides)),
        feature_group_count=groups,
    )


def _layout(rank: int) -> tuple[str, str, str]:
    space = "DHW"[-rank:]
    return f"N{space}C", f"{space}IO", f"N{space}C"


def _transposed_conv(node: Node, x: Any, kernel: Any, bias: Any = None) -> Any:
    """Kernels are ``[i o/groups ...]``; the transpose of a convolution, so its gradient."""
    groups, space = node.get("group", 1), kernel.shape[2:]
    rank = len(space)
    strides, dilations = node.get("strides", (1,) * rank), node.get("dilations", (1,) * rank)
    if node.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.attributes:
        raise ValueError("a transposed convolution with automatic pads cannot be computed")
    pads, more = node.get("pads", (0,) * 2 * rank), node.get("output_padding", (0,) * rank)
    reach = [(side - 1) * step for side, step in zip(space, dilations, strict=True)]
    sides = [
        (n - low, n - high + extra)
        for n, low, high, extra in zip(reach, pads[:rank], pads[rank:], more, strict=True)
    ]
    inputs, outputs = kernel.shape[:2]
    kernel = jnp.flip(kernel, range(2, 2 + rank))
    kernel = kernel.reshape(groups, inputs // groups, outputs, *space)
    kernel = jnp.moveaxis(kernel, (1, 0, 2), (-3, -2, -1)).reshape(*space, inputs // groups, -1)
    x = jax.lax.conv_general_dilated(
        _channels_last(x),
        kernel,
        (1,) * rank,
        sides,
        lhs_dilation=strides,
        rhs_dilation=dilations,
        dimension_numbers=_layout(rank),
        feature_group_count=groups,
    )
    return _channels_first(x if bias is None else x + bias)


def _window(node: Node, x: Any) -> tuple[tuple[int, ...], tuple[int, ...], Pads]:
    window = node.get("kernel_shape")
    strides = node.get("strides", (1,) * len(window))
    return window, strides, _pads(node, x.shape[2:], window, strides)


def _max_pool(node: Node, x: Any) -> Any:
    if len([name for name in node.outputs if name]) > 1 or set(node.get("dilations", (1,))) != {1}:
        raise ValueError("a pool with indices or dilations cannot be computed")
    window, strides, pads = _window(node, x)
    square = len(window) == 2 and len(set(window)) == len(set(strides)) == 1
    if square and window[0] <= _LARGEST_POOL:
        return _channels_first(max_pool.max_pool(_channels_last(x), window[0], strides[0], pads))
    both = ((0, 0), (0, 0))
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 1, *window), (1, 1, *strides), (*both, *pads)
    )


def _average_pool(node: Node, x: Any) -> Any:
    """The mean of each window; pads are counted if asked for, what ceil_mode adds never is."""
    window, strides, pads = _window(node, x)
    if set(node.get("dilations", (1,))) != {1}:
        raise ValueError("a pool with dilations cannot be computed")
    counted = ((0, 0),) * len(window)
    if node.get("count_include_pad", 0):
        counted = _pads(node, x.shape[2:], window, strides, ceil=False)
    ones = np.pad(np.ones(x.shape[2:], np.float32), counted, constant_values=1)
    rest = [(p - r, q - s) for (p, q), (r, s) in zip(pads, counted, strict=True)]
    add, both = jax.lax.add, ((0, 0), (0, 0))
    counts = jax.lax.reduce_window(jnp.asarray(ones), 0.0, add, window, strides, rest)
    total = jax.lax.reduce_window(x, 0.0, add, (1, 1, *window), (1, 1, *strides), (*both, *pads))
    return total / counts


def _over_space(name: str) -> Operator:
    return lambda node, x: getattr(x, name)(tuple(range(2, x.ndim)), keepdims=True)


def _beside_channels(weight: Any, x: Any) -> Any:
    """``[c] -> [c 1 1]`` as it broadcasts over ``[b c h w]``."""
    return weight.reshape(-1, *(1,) * (x.ndim - 2))


def _batch_norm(node: Node, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    """By the running statistics."""
    if node.get("training_mode", 0):
        raise ValueError("the network was exported in training mode; call its eval() first")
    factor = scale / jnp.sqrt(variance + node.get("epsilon", 1e-5))
    return x * _beside_channels(factor, x) + _beside_channels(bias - mean * factor, x)


def _normed(x: Any, axes: tuple[int, ...], epsilon: float) -> Any:
    mean = x.mean(axes, keepdims=True)
    variance = jnp.square(x - mean).mean(axes, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + epsilon)


def _layer_norm(node: Node, x: Any, scale: Any, bias: Any = None) -> Any:
    axis = node.get("axis", -1) % x.ndim
    x = _normed(x, tuple(range(axis, x.ndim)), node.get("epsilon", 1e-5)) * scale
    return x if bias is None else x + bias


def _instance_norm(node: Node, x: Any, scale: Any, bias: Any) -> Any:
    normed = _normed(x, tuple(range(2, x.ndim)), node.get("epsilon", 1e-5))
    return normed * _beside_channels(scale, x) + _beside_channels(bias, x)


def _group_norm(node: Node, x: Any, scale: Any, bias: Any) -> Any:
    """One scale a group in opset 18, one a channel since 21."""
    groups, channels = node.get("num_groups"), x.shape[1]
    parts = x.reshape(x.shape[0], groups, -1)
    normed = _normed(parts, (2,), node.get("epsilon", 1e-5)).reshape(x.shape)
    scale, bias = (
        weight if weight.shape[0] == channels else jnp.repeat(weight, channels // groups)
        for weight in (scale, bias)
    )
    return normed * _beside_channels(scale, x) + _beside_channels(bias, x)


def _local_response_norm(node: Node, x: Any) -> Any:
    size, side = node.get("size"), (node.get("size") - 1) // 2
    window, pads = (1, size, 1, 1), ((0, 0), (side, size - 1 - side), (0, 0), (0, 0))
    total = jax.lax.reduce_window(x * x, 0.0, jax.lax.add, window, (1, 1, 1, 1), pads)
    scale = node.get("bias", 1.0) + node.get("alpha", 1e-4) / size * total
    return x / scale ** node.get("beta", 0.75)


def _gemm(node: Node, x: Any, y: Any, z: Any = None) -> Any:
    x = x.T if node.get("transA", 0) else x
    y = y.T if node.get("transB", 0) else y
    product = node.get("alpha", 1.0) * (x @ y)
    return product if z is None else product + node.get("beta", 1.0) * z


def _matmul(node: Node, x: Any, y: Any) -> Any:
    return library(x, y).matmul(x, y)


def _einsum(node: Node, *inputs: Any) -> Any:
    return library(*inputs).einsum(node.get("equation"), *inputs)


def _softmax(node: Node, x: Any) -> Any:
    return _by_rows(node, x, jax.nn.softmax)


def _log_softmax(node: Node, x: Any) -> Any:
    return _by_rows(node, x, jax.nn.log_softmax)


def _by_rows(node: Node, x: Any, function: Any) -> Any:
    """Along an axis; before opset 13 along it and all that follow."""
    if node.opset >= 13:
        return function(x, axis=node.get("axis", -1))
    axis = node.get("axis", 1) % x.ndim
    rows = x.reshape(math.prod(x.shape[:axis]), -1)
    return function(rows, axis=-1).reshape(x.shape)


OPERATORS: Mapping[str, Operator] = {
    "Conv": _conv,
    "ConvTranspose": _transposed_conv,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _over_space("mean"),
    "GlobalMaxPool": _over_space("max"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LRN": _local_response_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
}
