"""What is frozen computes in bfloat16, where that is wanted; all that is learned in float32.

Nothing is of double precision, also where JAX_ENABLE_X64 is set for other work of the same process:
whatever users call is `single`.

Weights stay float32 where they are kept, and are rounded where they are used: so a network that is
trained, too, moves weights of float32. Images, masks, codes, logits and losses are float32.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.types import PyTree

Precision = Literal["float32", "bfloat16"]
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def single(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The function as it computes where double precision is not enabled."""

    @functools.wraps(function)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        if jax.dtypes.canonicalize_dtype(np.float64) == np.float32:
            return function(*args, **kwargs)
        with jax.enable_x64(False):  # type: ignore[no-untyped-call]
            return function(*args, **kwargs)

    return called


def in_single(tree: PyTree) -> PyTree:
    """Its arrays of double precision rounded to float32; all else as it is."""
    if any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(tree)):
        return _cast(tree, np.float64, jnp.float32)
    return tree


@dataclasses.dataclass(frozen=True)
class InBfloat16:
    """A function whose float32 arguments are rounded, and whose answer is float32 again.

    Equal for equal functions, so that compiled programs are shared.
    """

    fn: Callable

    def __call__(self, *args: Any, **kwargs: Any) -> PyTree:
        """Gradients go the same way back: within in bfloat16, outside in float32."""
        rounded = _cast((args, kwargs), jnp.float32, jnp.bfloat16)
        return _cast(self.fn(*rounded[0], **rounded[1]), jnp.bfloat16, jnp.float32)


def computed(fn: Callable, precision: Precision) -> Callable:
    """The function in a precision; one that is in bfloat16 goes back to float32, too."""
    plain = fn.fn if isinstance(fn, InBfloat16) else fn
    return InBfloat16(plain) if precision == "bfloat16" else plain


def precision_of(fn: Callable) -> Precision:
    """In which precision a function computes."""
    return "bfloat16" if isinstance(fn, InBfloat16) else "float32"


def _cast(tree: PyTree, before: Any, after: Any) -> PyTree:
    def one(leaf: Any) -> Any:
        is_meant = getattr(leaf, "dtype", None) == before
        return jnp.asarray(leaf, after) if is_meant else leaf

    return jax.tree.map(one, tree)
