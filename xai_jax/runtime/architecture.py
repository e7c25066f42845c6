"""Whether trained weights fit a network: the same leaves, of the same shapes and types."""

import dataclasses
from pathlib import Path
from typing import Any

import jax

from xai_jax.core.types import PyTree


class OtherArchitecture(ValueError):
    """The leaves that were found are not those of the state."""


def leaves(tree: PyTree) -> list[list[Any]]:
    """Path, shape and dtype of each leaf, in JSON's types."""
    return [
        [jax.tree_util.keystr(path, simple=True, separator="/"), list(leaf.shape), str(leaf.dtype)]
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]


def check(found: list[list[Any]], abstract: PyTree, place: Path, remedy: str) -> None:
    """Compares what `leaves` said of a file with the state that it is wanted for.

    Args:
        found: in any order.
        abstract: arrays, or ``jax.ShapeDtypeStruct`` as ``jax.eval_shape`` makes them.
        place: of the file, for the sentence.
        remedy: the end of the sentence, without its full stop.

    Raises:
        OtherArchitecture: with the first leaf that differs.
    """
    there = {path: (shape, dtype) for path, shape, dtype in found}
    here = {path: (shape, dtype) for path, shape, dtype in leaves(abstract)}
    if there == here:
        return
    path = next(path for path in [*here, *there] if here.get(path) != there.get(path))
    raise OtherArchitecture(
        f"{place} is of another architecture: {path} {_in_words(there.get(path))} there and "
        f"{_in_words(here.get(path))} here; {remedy}."
    )


def filled(begun: Any, tree: PyTree, place: Path, remedy: str) -> Any:
    """A state that explains: `begun` with the exported arrays, and ``()`` for all else it holds.

    Args:
        begun: a dataclass with `params` and `statistics`; shapes will do (``jax.eval_shape``).
        tree: what `runtime.export` read: ``{"params", "statistics"}``.
        place: of the file, for the sentence.
        remedy: as in `check`.

    Raises:
        OtherArchitecture: with the first leaf that differs.
    """
    names = ("params", "statistics")  # whatever else a state has only training needs
    found = {name: tree.get(name, {}) for name in names}
    check(leaves(found), {name: getattr(begun, name) for name in names}, place, remedy)
    unused = {field.name: () for field in dataclasses.fields(begun) if field.name not in names}
    return dataclasses.replace(begun, **found, **unused)


def _in_words(leaf: tuple[list[int], str] | None) -> str:
    return "is missing" if leaf is None else f"is {leaf[1]} of shape {leaf[0]}"
