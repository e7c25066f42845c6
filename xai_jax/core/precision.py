"""What is frozen computes in bfloat16, where that is wanted; all that is learned in float32.

Weights stay float32 where they are kept, and are rounded where they are used: so a network that is
trained, too, moves weights of float32. Images, masks, codes, logits and losses are float32.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp

from xai_jax.core.types import PyTree

Precision = Literal["float32", "bfloat16"]


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
