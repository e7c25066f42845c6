"""Whether the arrays of a file are those of a tree: the same paths, shapes and types."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.core.types import PyTree

_LONGEST = 100  # characters of a path in a sentence


class OtherLeaves(ValueError):
    """The leaves that were found are not those that were wanted."""


def named(tree: PyTree) -> dict[str, Any]:
    """The leaves by path, ``params/stem/kernel`` say.

    Raises:
        ValueError: two leaves have one path, since a key has a "/" in it.
    """
    found: dict[str, Any] = {}
    for at, leaf in jax.tree_util.tree_leaves_with_path(tree):
        path = jax.tree_util.keystr(at, simple=True, separator="/")
        if path in found:
            raise ValueError(f"Two arrays have the path {path}; leave '/' out of their keys.")
        found[path] = leaf
    return found


def described(tree: PyTree) -> list[list[Any]]:
    """Path, shape and dtype of each leaf, in JSON's types."""
    return [[path, list(leaf.shape), str(leaf.dtype)] for path, leaf in named(tree).items()]


def check(found: list[list[Any]], abstract: PyTree, place: Path, remedy: str) -> None:
    """Compares what `described` said of a file with the tree that it is wanted for.

    Args:
        found: in any order.
        abstract: arrays, or ``jax.ShapeDtypeStruct`` as ``jax.eval_shape`` makes them.
        place: of the file, for the sentence.
        remedy: the end of the sentence, without its full stop.

    Raises:
        OtherLeaves: with the first leaf that differs.
    """
    there = {path: (shape, dtype) for path, shape, dtype in found}
    here = {path: (shape, dtype) for path, shape, dtype in described(abstract)}
    if there == here:
        return
    path = next(path for path in [*here, *there] if here.get(path) != there.get(path))
    shown = path if len(path) <= _LONGEST else f"{path[:_LONGEST]}…"
    raise OtherLeaves(
        f"{place} is of another architecture: {shown} {_in_words(there.get(path))} there and "
        f"{_in_words(here.get(path))} here; {remedy}."
    )


def filled(arrays: Mapping[str, np.ndarray], abstract: PyTree, place: Path, remedy: str) -> PyTree:
    """The tree `abstract` with the arrays of a file for its leaves.

    Args:
        arrays: by path.
        abstract: as in `check`.
        place: of the file, for the sentence.
        remedy: as in `check`.

    Raises:
        OtherLeaves: a leaf is missing, left over, or of another shape or type.
    """
    check(
        [[path, list(x.shape), str(x.dtype)] for path, x in arrays.items()], abstract, place, remedy
    )
    return jax.tree.unflatten(jax.tree.structure(abstract), [arrays[at] for at in named(abstract)])


def _in_words(leaf: tuple[list[int], str] | None) -> str:
    return "is missing" if leaf is None else f"is {leaf[1]} of shape {leaf[0]}"
