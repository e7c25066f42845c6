"""A graph, or a part of it, as a function of weights and pictures."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers.onnx import arithmetic, layers, resize, shapes
from xai_jax.classifiers.onnx.file import Node
from xai_jax.core.types import AnyArray, PyTree

OPERATORS: Mapping[str, arithmetic.Operator] = {
    **arithmetic.OPERATORS,
    **shapes.OPERATORS,
    **layers.OPERATORS,
    **resize.OPERATORS,
}
Values = dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """A value of the graph that goes in or comes out.

    Fields:
        name: in the graph.
        channels_first: it is ``[b c h w]`` there; outside, it is ``[b h w c]``.
    """

    name: str
    channels_first: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network:
    """``(params, x) -> y``: what the graph computes of `source`, as far as `wanted`.

    Two of one graph are equal, whatever their weights, so that the second finds the compiled
    program of the first.

    Fields:
        digest: of `nodes` and `constants`.
        nodes: in an order in which they can be computed.
        constants: what shapes are computed with, by name.
        source, wanted: where it begins and ends.
        one_by_one: the graph was exported for a batch of one; pictures are mapped.
        whole: where this is the second half: all of it, and the shape of a picture ``[h w c]``, for
            what the second half asks of shapes in the first.
    """

    digest: str
    nodes: tuple[Node, ...] = dataclasses.field(compare=False, repr=False)
    constants: Mapping[str, np.ndarray] = dataclasses.field(compare=False, repr=False)
    source: Value
    wanted: Value
    one_by_one: bool = False
    whole: "tuple[Network, tuple[int, ...]] | None" = None

    def __call__(self, params: PyTree, x: AnyArray) -> Any:
        """Runs the nodes; see `run`."""
        if self.one_by_one:
            one = lambda picture: self._batch(params, picture[None])[0]  # noqa: E731
            return jax.vmap(one)(x)
        return self._batch(params, x)

    def _batch(self, params: PyTree, x: AnyArray) -> Any:
        values: Values = {**self.constants, **params}
        if self.whole is not None:
            whole, shape = self.whole
            values |= whole.known(params, (len(x), *shape))
        values[self.source.name] = jnp.moveaxis(x, -1, 1) if self.source.channels_first else x
        run(self.nodes, values)
        y = values[self.wanted.name]
        return jnp.moveaxis(y, 1, -1) if self.wanted.channels_first else y

    def known(self, params: PyTree, shape: tuple[int, ...]) -> Values:
        """All values that follow from the shape ``[b h w c]`` of the pictures alone."""
        return {
            name: value
            for name, value in self.abstract(params, shape).items()
            if isinstance(value, np.ndarray | np.generic)
        }

    def abstract(self, params: PyTree, shape: tuple[int, ...]) -> Values:
        """Every value: an array where it is known from the shape, else its shape and type."""
        values: Values = dict(self.constants)

        def trace(params: PyTree, x: AnyArray) -> None:
            values.update(params)
            values[self.source.name] = jnp.moveaxis(x, -1, 1) if self.source.channels_first else x
            run(self.nodes, values)

        jax.eval_shape(trace, params, jax.ShapeDtypeStruct(shape, np.float32))
        return {
            name: value
            if isinstance(value, np.ndarray | np.generic)
            else jax.ShapeDtypeStruct(value.shape, value.dtype)
            for name, value in values.items()
        }


def run(nodes: Iterable[Node], values: Values) -> None:
    """Computes each node into `values`, by name.

    Raises:
        ValueError: a node cannot be computed; names it.
    """
    for node in nodes:
        inputs = [values[name] if name else None for name in node.inputs]
        try:
            with np.errstate(all="ignore"):
                found = OPERATORS[node.op](node, *inputs)
        except (ValueError, TypeError, IndexError, AssertionError) as error:
            raise ValueError(
                f"its node {node.name or node.outputs[0]!r} ({node.op}): {error}"
            ) from error
        answers = found if isinstance(found, tuple) else (found,)
        for name, answer in zip(node.outputs, answers, strict=False):
            if isinstance(answer, np.ndarray | np.generic) and answer.dtype == np.float64:
                answer = answer.astype(np.float32)
            values[name] = answer


def digest(nodes: Iterable[Node], constants: Mapping[str, np.ndarray]) -> str:
    """What tells one graph from another, whatever its weights."""
    found = hashlib.sha256()
    for node in nodes:
        kept = {k: _content(v) for k, v in node.attributes.items()}
        found.update(repr((node.op, node.opset, node.inputs, node.outputs, kept)).encode())
    for name, value in sorted(constants.items()):
        found.update(repr((name, _content(value))).encode())
    return found.hexdigest()


def _content(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value
