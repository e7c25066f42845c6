"""ONNX operators of single numbers, and reductions, by NumPy where all is known, else by JAX.

Shapes are known while a function is compiled, so what is computed of them stays in NumPy, and what
the shapes decide (a reshape, a slice) can be read from it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx.file import Node

Operator = Callable[..., Any]  # (node, *inputs) -> its output, or a tuple of them


def library(*inputs: Any) -> Any:
    """NumPy if all inputs are known, else JAX's."""
    known = all(x is None or isinstance(x, np.ndarray | np.generic) for x in inputs)
    return np if known else jnp


def _named(name: str) -> Operator:
    """The function that both libraries have by that name."""
    return lambda node, *inputs: getattr(library(*inputs), name)(*inputs)


def _folded(name: str) -> Operator:
    """A function of two inputs, for any number of them."""

    def operator(node: Node, first: Any, *others: Any) -> Any:
        for other in others:
            first = getattr(library(first, other), name)(first, other)
        return first

    return operator


def _by_jax(function: Callable[[Any], Any]) -> Operator:
    return lambda node, x: function(jnp.asarray(x))


def _divided(node: Node, x: Any, y: Any) -> Any:
    """Whole numbers are cut off towards zero."""
    xp = library(x, y)
    if not jnp.issubdtype(x.dtype, jnp.integer):
        return xp.divide(x, y)
    return xp.sign(x) * xp.sign(y) * (xp.abs(x) // xp.abs(y))


def _remainder(node: Node, x: Any, y: Any) -> Any:
    xp = library(x, y)
    return xp.fmod(x, y) if node.get("fmod", 0) else xp.mod(x, y)


def _power(node: Node, x: Any, y: Any) -> Any:
    """A known whole exponent keeps the slope at negative numbers."""
    if isinstance(y, np.ndarray | np.generic) and np.size(y) == 1:
        exponent = float(np.reshape(y, ()))
        if exponent.is_integer():
            return (x ** int(exponent)).astype(x.dtype)
    return library(x, y).power(x, y).astype(x.dtype)


def _clip(node: Node, x: Any, low: Any = None, high: Any = None) -> Any:
    low = node.get("min") if low is None else low
    high = node.get("max") if high is None else high
    xp = library(x)
    x = x if low is None else xp.maximum(x, xp.asarray(low, x.dtype))
    return x if high is None else xp.minimum(x, xp.asarray(high, x.dtype))


def _gelu(node: Node, x: Any) -> Any:
    return jax.nn.gelu(x, approximate=node.get("approximate", "none") == "tanh")


def _hard_sigmoid(node: Node, x: Any) -> Any:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return jnp.clip(alpha * x + beta, 0.0, 1.0)


def _selu(node: Node, x: Any) -> Any:
    alpha, gamma = node.get("alpha", 1.6732632), node.get("gamma", 1.0507010)
    return gamma * jax.nn.elu(x, alpha)


def _parametric_relu(node: Node, x: Any, slope: Any) -> Any:
    return jnp.where(x < 0, x * slope, x)


_TYPES: Mapping[int, Any] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float32, 11: np.float32, 12: np.uint32, 13: np.uint64, 16: np.float32,
}  # fmt: skip


def _cast(node: Node, x: Any) -> Any:
    """All floating types are single precision here."""
    code = node.get("to")
    if code not in _TYPES:
        raise ValueError(f"a cast to type {code} cannot be computed")
    return _as_type(x, np.dtype(_TYPES[code]))


def _cast_like(node: Node, x: Any, like: Any) -> Any:
    return _as_type(x, like.dtype)


def _as_type(x: Any, kind: np.dtype) -> Any:
    if not isinstance(x, np.ndarray | np.generic):
        kind = jax.dtypes.canonicalize_dtype(kind)
    return x.astype(kind)


def _reduced(name: str) -> Operator:
    """A reduction whose axes are an attribute (before opsets 13 and 18) or an input."""

    def operator(node: Node, x: Any, axes: Any = None) -> Any:
        axes = node.get("axes") if axes is None else tuple(map(int, axes))
        if not axes:
            if node.get("noop_with_empty_axes", 0):
                return x
            axes = tuple(range(x.ndim))
        return _REDUCTIONS[name](library(x), x, axis=axes, keepdims=bool(node.get("keepdims", 1)))

    return operator


_REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "ReduceMean": lambda xp, x, **how: xp.mean(x, **how),
    "ReduceSum": lambda xp, x, **how: xp.sum(x, **how),
    "ReduceMax": lambda xp, x, **how: xp.max(x, **how),
    "ReduceMin": lambda xp, x, **how: xp.min(x, **how),
    "ReduceProd": lambda xp, x, **how: xp.prod(x, **how),
    "ReduceL1": lambda xp, x, **how: xp.abs(x).sum(**how),
    "ReduceL2": lambda xp, x, **how: xp.sqrt((x * x).sum(**how)),
    "ReduceSumSquare": lambda xp, x, **how: (x * x).sum(**how),
    "ReduceLogSum": lambda xp, x, **how: xp.log(x.sum(**how)),
    "ReduceLogSumExp": lambda xp, x, **how: jax.nn.logsumexp(x, **how),
}


def _index_of(name: str) -> Operator:
    def operator(node: Node, x: Any) -> Any:
        axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
        return getattr(library(x), name)(x, axis=axis, keepdims=keep)

    return operator


OPERATORS: Mapping[str, Operator] = {
    "Add": _named("add"),
    "Sub": _named("subtract"),
    "Mul": _named("multiply"),
    "Div": _divided,
    "Mod": _remainder,
    "Pow": _power,
    "Neg": _named("negative"),
    "Abs": _named("abs"),
    "Sign": _named("sign"),
    "Exp": _named("exp"),
    "Log": _named("log"),
    "Sqrt": _named("sqrt"),
    "Reciprocal": lambda node, x: 1 / x,
    "Floor": _named("floor"),
    "Ceil": _named("ceil"),
    "Round": _named("round"),
    "Sin": _named("sin"),
    "Cos": _named("cos"),
    "Tanh": _named("tanh"),
    "Erf": _by_jax(jax.scipy.special.erf),
    "Min": _folded("minimum"),
    "Max": _folded("maximum"),
    "Sum": _folded("add"),
    "Mean": lambda node, *inputs: sum(inputs) / len(inputs),
    "Equal": _named("equal"),
    "Greater": _named("greater"),
    "GreaterOrEqual": _named("greater_equal"),
    "Less": _named("less"),
    "LessOrEqual": _named("less_equal"),
    "And": _named("logical_and"),
    "Or": _named("logical_or"),
    "Xor": _named("logical_xor"),
    "Not": _named("logical_not"),
    "Where": _named("where"),
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Relu": lambda node, x: jax.nn.relu(x),
    "LeakyRelu": lambda node, x: jax.nn.leaky_relu(x, node.get("alpha", 0.01)),
    "PRelu": _parametric_relu,
    "Elu": lambda node, x: jax.nn.elu(x, node.get("alpha", 1.0)),
    "Celu": lambda node, x: jax.nn.celu(x, node.get("alpha", 1.0)),
    "Selu": _selu,
    "Gelu": _gelu,
    "Sigmoid": _by_jax(jax.nn.sigmoid),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda node, x: x * jnp.clip(x / 6 + 0.5, 0.0, 1.0),
    "Swish": lambda node, x: x * jax.nn.sigmoid(node.get("alpha", 1.0) * x),
    "Mish": lambda node, x: x * jnp.tanh(jax.nn.softplus(x)),
    "Softplus": _by_jax(jax.nn.softplus),
    "Softsign": _by_jax(jax.nn.soft_sign),
    "ArgMax": _index_of("argmax"),
    "ArgMin": _index_of("argmin"),
    **{name: _reduced(name) for name in _REDUCTIONS},
}
