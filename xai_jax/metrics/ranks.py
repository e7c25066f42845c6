"""Whether two rows of numbers put the same places first."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Num

from xai_jax.core.types import PerExample

Rows = Num[Array, "b n"]
Numbers = Num[Array, " n"]


def rank_correlation(
    one: Rows, other: Rows, is_there: Bool[Array, "b n"] | None = None
) -> PerExample:
    """Spearman's of each row, in [-1, 1]; NaN where all of one are equal.

    Equal ones share their mean rank. Places that are not there, where that is said, do not count.
    """
    there = jnp.ones(one.shape, bool) if is_there is None else is_there

    def centred(values: Rows) -> Rows:
        ranks = jax.vmap(mean_ranks)(jnp.where(there, values, jnp.inf))  # the last ones are absent
        return jnp.where(there, ranks - ranks.mean(axis=1, keepdims=True, where=there), 0.0)

    a, b = centred(one), centred(other)
    product = jnp.sqrt(jnp.square(a).sum(axis=1)) * jnp.sqrt(jnp.square(b).sum(axis=1))
    found = (a * b).sum(axis=1) / jnp.where(product > 0, product, 1.0)
    return jnp.where(product > 0, found, jnp.nan)


def mean_ranks(values: Numbers) -> Numbers:
    """The rank of each number over n, from 0 to 1; equal ones have their mean."""
    ordered = jnp.sort(values)
    low = jnp.searchsorted(ordered, values, side="left")
    high = jnp.searchsorted(ordered, values, side="right")
    return 0.5 * (low + high).astype(jnp.float32) / values.shape[0]
