"""ONNX operators that move numbers without changing them, and those that ask for shapes."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx.arithmetic import Operator, library
from xai_jax.classifiers.onnx.file import Node


def known(value: Any, what: str) -> tuple[int, ...]:
    """Whole numbers that the shape of the answer depends on.

    Raises:
        ValueError: they depend on the pixels, or on a weight.
    """
    if not isinstance(value, np.ndarray | np.generic):
        raise ValueError(f"{what} depends on the pixels, so that no shape is known")
    return tuple(int(number) for number in np.reshape(value, -1))


def _shape(node: Node, x: Any) -> np.ndarray:
    return np.array(x.shape[node.get("start", 0) : node.get("end")], np.int64)


def _constant(node: Node) -> np.ndarray:
    kinds = {"value_float": np.float32, "value_floats": np.float32}
    for name in ("value", "value_int", "value_ints", "value_float", "value_floats"):
        if name in node.attributes:
            return np.asarray(node.get(name), kinds.get(name))
    raise ValueError("the constant is of a kind that no float network holds")


def _constant_of_shape(node: Node, shape: Any) -> np.ndarray:
    value = node.get("value", np.zeros(1, np.float32))
    return np.full(known(shape, "its shape"), np.reshape(value, ()), value.dtype)


def _reshape(node: Node, x: Any, shape: Any) -> Any:
    sides = list(known(shape, "its shape"))
    if not node.get("allowzero", 0):
        sides = [x.shape[axis] if side == 0 else side for axis, side in enumerate(sides)]
    return x.reshape(sides)


def _flatten(node: Node, x: Any) -> Any:
    axis = node.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:axis], dtype=int)), -1)


def _transpose(node: Node, x: Any) -> Any:
    return x.transpose(node.get("perm", tuple(reversed(range(x.ndim)))))


def _axes(node: Node, axes: Any) -> tuple[int, ...] | None:
    """They were attributes before opset 13, and are inputs since."""
    return node.get("axes") if axes is None else known(axes, "its axes")


def _squeeze(node: Node, x: Any, axes: Any = None) -> Any:
    return x.squeeze(_axes(node, axes))


def _unsqueeze(node: Node, x: Any, axes: Any = None) -> Any:
    found = _axes(node, axes)
    assert found is not None  # ONNX asks for them
    return library(x).expand_dims(x, found)


def _concat(node: Node, *inputs: Any) -> Any:
    return library(*inputs).concatenate(inputs, axis=node.get("axis", 1))


def _split(node: Node, x: Any, sizes: Any = None) -> tuple[Any, ...]:
    axis = node.get("axis", 0)
    parts = node.get("split") if sizes is None else known(sizes, "its sizes")
    if parts is None:
        count = node.get("num_outputs", len(node.outputs))
        size = -(-x.shape[axis] // count)
        parts = (size,) * (count - 1)
        return tuple(library(x).split(x, np.cumsum(parts), axis=axis))
    return tuple(library(x).split(x, np.cumsum(parts)[:-1], axis=axis))


def _slice(node: Node, x: Any, *inputs: Any) -> Any:
    """Ends are attributes in opset 9, inputs since."""
    if inputs:
        starts, ends, axes, steps = (
            None if value is None else known(value, "a slice's end")
            for value in (*inputs, None, None)[:4]
        )
    else:
        starts, ends, axes, steps = node.get("starts"), node.get("ends"), node.get("axes"), None
    assert starts is not None and ends is not None
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        before_first = step < 0 and end < -x.shape[axis]
        index[axis] = slice(start, None if before_first else end, step)
    return x[tuple(index)]


def _gather(node: Node, x: Any, index: Any) -> Any:
    xp, axis = library(x, index), node.get("axis", 0)
    if isinstance(index, np.ndarray | np.generic) and index.ndim == 0:
        return x[(slice(None),) * (axis % x.ndim) + (int(index),)]  # a slice, for the compiler
    return xp.take(x, index, axis=axis)


def _gather_elements(node: Node, x: Any, index: Any) -> Any:
    return library(x, index).take_along_axis(x, index, axis=node.get("axis", 0))


def _gather_nd(node: Node, x: Any, index: Any) -> Any:
    if node.get("batch_dims", 0):
        raise ValueError("batch_dims cannot be computed")
    return x[tuple(library(index).moveaxis(index, -1, 0))]


def _scatter_nd(node: Node, x: Any, index: Any, updates: Any) -> Any:
    if node.get("reduction", "none") != "none":
        raise ValueError("a reduction cannot be computed")
    place = tuple(library(index).moveaxis(index, -1, 0))
    if library(x, index, updates) is jnp:
        return jnp.asarray(x).at[place].set(updates)
    x = x.copy()
    x[place] = updates
    return x


def _expand(node: Node, x: Any, shape: Any) -> Any:
    shape = np.broadcast_shapes(x.shape, known(shape, "its shape"))
    return library(x).broadcast_to(x, shape)


def _tile(node: Node, x: Any, repeats: Any) -> Any:
    return library(x).tile(x, known(repeats, "its repeats"))


def _pad(node: Node, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    widths = node.get("pads") if pads is None else known(pads, "its pads")
    over = range(x.ndim) if axes is None else known(axes, "its axes")
    sides = [(0, 0)] * x.ndim
    for axis, low, high in zip(over, widths, widths[len(over) :], strict=False):
        sides[axis] = (low, high)
    cut = tuple(
        slice(max(-low, 0), n - max(-high, 0))
        for n, (low, high) in zip(x.shape, sides, strict=True)
    )
    sides = [(max(low, 0), max(high, 0)) for low, high in sides]
    mode = node.get("mode", "constant")
    if mode != "constant":
        return library(x).pad(x[cut], sides, mode=mode)
    fill = node.get("value", 0.0) if value is None else value.reshape(())
    return library(x, value).pad(x[cut], sides, constant_values=fill)


def _range(node: Node, start: Any, limit: Any, step: Any) -> np.ndarray:
    if library(start, limit, step) is jnp:
        raise ValueError("its length depends on the pixels, so that no shape is known")
    return np.arange(start, limit, step, dtype=start.dtype)


def _triangle(node: Node, x: Any, k: Any = None) -> Any:
    cut = library(x).triu if node.get("upper", 1) else library(x).tril
    return cut(x, 0 if k is None else known(k, "its diagonal")[0])


def _cumulative_sum(node: Node, x: Any, axis: Any) -> Any:
    if node.get("exclusive", 0) or node.get("reverse", 0):
        raise ValueError("a sum that is exclusive or reversed cannot be computed")
    return library(x).cumsum(x, axis=known(axis, "its axis")[0])


def _depth_to_space(node: Node, x: Any) -> Any:
    b, c, h, w = x.shape
    side = node.get("blocksize")
    if node.get("mode", "DCR") == "DCR":
        x = x.reshape(b, side, side, c // side**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        x = x.reshape(b, c // side**2, side, side, h, w).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(b, c // side**2, h * side, w * side)


def _space_to_depth(node: Node, x: Any) -> Any:
    b, c, h, w = x.shape
    side = node.get("blocksize")
    x = x.reshape(b, c, h // side, side, w // side, side).transpose(0, 3, 5, 1, 2, 4)
    return x.reshape(b, c * side**2, h // side, w // side)


def _as_it_is(node: Node, x: Any, *others: Any) -> Any:
    """Dropout too: nothing is trained here."""
    return x


OPERATORS: Mapping[str, Operator] = {
    "Shape": _shape,
    "Size": lambda node, x: np.int64(np.prod(x.shape, dtype=np.int64)),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": _as_it_is,
    "Dropout": _as_it_is,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterND": _scatter_nd,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "Range": _range,
    "Trilu": _triangle,
    "CumSum": _cumulative_sum,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
