"""ONNX's Resize, axis by axis: each is a matrix that is known from the sizes."""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx.arithmetic import Operator
from xai_jax.classifiers.onnx.file import Node
from xai_jax.classifiers.onnx.shapes import known

# (place in the output, length out, length in, scale) -> place in the input, in pixels.
_PLACES: Mapping[str, Callable[..., np.ndarray]] = {
    "half_pixel": lambda i, out, n, scale: (i + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda i, out, n, scale: (i + 0.5) / scale - 0.5 if out > 1 else 0 * i,
    "align_corners": lambda i, out, n, scale: i * (n - 1) / max(out - 1, 1),
    "asymmetric": lambda i, out, n, scale: i / scale,
    "half_pixel_symmetric": lambda i, out, n, scale: (
        n / 2 * (1 - out / (n * scale)) + (i + 0.5) / scale - 0.5
    ),
}
_NEAREST: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _resize(node: Node, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    """By `scales` or to `sizes`, of all axes or of those that the node names."""
    axes = node.get("axes", tuple(range(x.ndim)))
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ValueError("a size that keeps the sides in proportion cannot be computed")
    if sizes is not None and np.size(sizes):
        out = known(sizes, "its size")
        factors = [side / x.shape[axis] for side, axis in zip(out, axes, strict=True)]
    elif isinstance(scales, np.ndarray):
        factors = [float(scale) for scale in scales]
        out = tuple(int(x.shape[a] * f) for a, f in zip(axes, factors, strict=True))
    else:
        raise ValueError("its size depends on the pixels, so that no shape is known")
    for axis, side, factor in zip(axes, out, factors, strict=True):
        if side != x.shape[axis] or factor != 1:
            matrix = _matrix(node, side, x.shape[axis], factor)
            x = jnp.moveaxis(jnp.tensordot(x, matrix, ((axis,), (1,))), -1, axis)
    return x


def _upsample(node: Node, x: Any, scales: Any) -> Any:
    """Opset 9: as Resize of opset 10, by places without half a pixel."""
    return _resize(node, x, None, scales)


def _matrix(node: Node, out: int, n: int, scale: float) -> np.ndarray:
    """``[out n]``: what each pixel of the output takes of each pixel of the input."""
    default = "half_pixel" if node.opset > 10 else "asymmetric"
    name = node.get("coordinate_transformation_mode", default)
    if name not in _PLACES:
        raise ValueError(f"the transformation {name} cannot be computed")
    places = _PLACES[name](np.arange(out, dtype=np.float64), out, n, scale)
    mode = node.get("mode", "nearest")
    if mode == "nearest":
        rounding = "floor" if node.opset <= 10 else node.get("nearest_mode", "round_prefer_floor")
        found = np.clip(_NEAREST[rounding](places), 0, n - 1).astype(int)
        return np.eye(n, dtype=np.float32)[found]
    kernel = _tent if mode == "linear" else lambda x: _cubic(x, node.get("cubic_coeff_a", -0.75))
    stretch = max(1 / scale, 1.0) if node.get("antialias", 0) else 1.0
    return _weights(places, n, kernel, stretch, bool(node.get("exclude_outside", 0)))


def _weights(
    places: np.ndarray, n: int, kernel: Any, stretch: float, inside_only: bool
) -> np.ndarray:
    """A kernel around each place; beyond the border stands the pixel at the border."""
    reach = int(np.ceil(2 * stretch)) + 1
    taps = np.floor(places)[:, None] + np.arange(-reach, reach + 1)
    weights = kernel((taps - places[:, None]) / stretch)
    if inside_only:
        weights = weights * ((taps >= 0) & (taps < n))
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(places), n))
    rows = np.broadcast_to(np.arange(len(places))[:, None], taps.shape)
    np.add.at(matrix, (rows, np.clip(taps, 0, n - 1).astype(int)), weights)
    return matrix.astype(np.float32)


def _tent(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' kernel (1981) with the free coefficient `a`."""
    x = np.abs(x)
    inner = (a + 2) * x**3 - (a + 3) * x**2 + 1
    outer = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))


OPERATORS: Mapping[str, Operator] = {"Resize": _resize, "Upsample": _upsample}
