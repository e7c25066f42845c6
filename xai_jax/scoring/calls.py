"""What an explanation costs in forward passes of the classifier, counted and not timed."""

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.extend import core as jex

from xai_jax.core.method import Inspector
from xai_jax.core.types import Batch


def forward_passes(inspector: Inspector, batch: Batch, key: Any) -> float:
    """Multiplications of an explanation over those of one forward pass, a picture.

    Products of matrices and convolutions of the whole program are counted, those of a loop as often
    as it runs; a gradient is about two passes more, a network of the method's own counts with what
    it takes. NaN where a loop runs until something is reached. Nothing is compiled or run.

    Args:
        inspector: who explains.
        batch: shapes suffice.
        key: of random numbers; its shape suffices.
    """
    method, frozen = inspector.method.build(), inspector.frozen
    explained = _multiplications(method.explain, inspector.weights, frozen, batch, key)
    classifier = frozen.classifier
    forward = _multiplications(classifier.apply_fn, classifier.params, batch.images)
    return explained / forward if forward else math.nan


def _multiplications(fn: Callable, *arguments: Any) -> float:
    return _of(jax.make_jaxpr(fn)(*arguments).jaxpr)


def _of(jaxpr: Any) -> float:
    return math.fsum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> float:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        shape = equation.invars[0].aval.shape
        size = math.prod(equation.outvars[0].aval.shape)
        return float(size * math.prod(shape[n] for n in contracted))
    if name == "conv_general_dilated":
        kernel, where = equation.invars[1].aval.shape, parameters["dimension_numbers"].rhs_spec
        taps = math.prod(kernel) / kernel[where[0]]  # of one output: inputs of its group and window
        return float(math.prod(equation.outvars[0].aval.shape) * taps)
    inner = [_of(part) for part in _inside(parameters)]
    if name == "cond":
        return max(inner, default=0.0)
    if name == "while" and any(inner):
        return math.nan
    return parameters.get("length", 1) * math.fsum(inner)


def _inside(parameters: dict[str, Any]) -> list[Any]:
    """The programs within an equation."""
    found = []
    for value in parameters.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, jex.ClosedJaxpr):
                found.append(part.jaxpr)
            elif isinstance(part, jex.Jaxpr):
                found.append(part)
    return found
