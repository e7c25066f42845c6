"""Where a graph is cut in two halves: at the last activations that still have places."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xai_jax.classifiers.onnx.file import Node

# `abstract` holds every value as an array if shapes alone decide it, else its shape and type.
Abstract = Mapping[str, Any]

_WINDOWS = {"Conv", "ConvTranspose", "GlobalAveragePool", "GlobalMaxPool", "AveragePool", "MaxPool"}
_FIRST_TO_LAST, _LAST_TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def needed_for(nodes: Sequence[Node], wanted: str) -> tuple[Node, ...]:
    """Those of them that `wanted` is computed from."""
    return _back(nodes, wanted, {}, "")[0]


def behind(
    nodes: Sequence[Node], abstract: Abstract, name: str, source: str, wanted: str
) -> tuple[Node, ...] | None:
    """The nodes from `name` to `wanted`; ``None`` if a path from `source` goes past `name`."""
    found, read = _back(nodes, wanted, abstract, name)
    return None if source in read else found


def _back(
    nodes: Sequence[Node], wanted: str, abstract: Abstract, end: str
) -> tuple[tuple[Node, ...], set[str]]:
    """What `wanted` is computed from, back to `end` and to what is known; and all that is read."""
    read, found = {wanted}, []
    for node in reversed(nodes):
        asked = read.intersection(node.outputs) - {end}
        if any(not isinstance(abstract.get(name), np.ndarray | np.generic) for name in asked):
            found.append(node)
            read.update(node.inputs)
    return tuple(reversed(found)), read


def last(nodes: Sequence[Node], abstract: Abstract, source: str, wanted: str) -> str | None:
    """The last value with four axes and more than one place that all paths pass, if there is one.

    Its name; a value that all paths pass is one after which nothing is read of what came before.
    """
    for node in reversed(nodes):
        for name in node.outputs:
            shape = getattr(abstract.get(name), "shape", ())
            if len(shape) != 4 or name == wanted:
                continue
            space = shape[2:] if channels_first(nodes, abstract, name) else shape[1:3]
            if min(space) > 1 and behind(nodes, abstract, name, source, wanted) is not None:
                return name
    return None


def channels_first(nodes: Sequence[Node], abstract: Abstract, name: str) -> bool:
    """Whether a value with four axes is ``[b c h w]``: what reads it says so, or else its sides."""
    for node in nodes:
        if name not in node.inputs:
            continue
        if node.op in _WINDOWS:
            return True
        if node.op == "LayerNormalization":
            return False
        if node.op == "Transpose" and node.get("perm") in (_FIRST_TO_LAST, _LAST_TO_FIRST):
            return node.get("perm") == _FIRST_TO_LAST
        if node.op == "ReduceMean":
            axes: Any = node.get("axes") or abstract.get((*node.inputs, "")[1])
            return {int(axis) % 4 for axis in np.reshape(axes, -1)} != {1, 2}
    _, first, second, third = abstract[name].shape
    return not first == second != third
