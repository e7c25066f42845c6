"""The only place that averages a batch."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.types import Batch, PyTree


def mean_loss_and_grad(
    loss_fn: Callable[..., tuple[Any, dict[str, Any]]],
    params: PyTree,
    batch: Batch,
    *args: Any,
    axis_name: str | None = None,
) -> tuple[dict[str, Any], PyTree]:
    """Means of a per-example loss and of its terms over the real pictures, and the gradient.

    Args:
        loss_fn: ``(params, batch, *args) -> (loss [b], terms {name: [b]})``.
        params: what is differentiated.
        batch: its `weight` (0 for padding) enters both sums, so that padding counts for nothing.
        *args: handed to `loss_fn`.
        axis_name: the ``pmap`` axis, or ``None`` under ``jit``, where arrays are global.

    Returns:
        ``({"loss", **terms}`` as scalars, gradient of the mean loss).
    """
    weight = batch.weight

    def total(params):
        loss, terms = loss_fn(params, batch, *args)
        sums = jax.tree.map(lambda x: jnp.sum(weight * x), {"loss": loss, **terms})
        return sums["loss"], sums

    grads, sums = jax.grad(total, has_aux=True)(params)
    count = jnp.sum(weight)
    # Sums and counts are reduced apart and divided once: exact under unequal padding of the
    # devices.
    if axis_name is not None:
        grads, sums, count = jax.lax.psum((grads, sums, count), axis_name)
    count = jnp.maximum(count, 1.0)
    sums, grads = jax.tree.map(lambda x: x / count, (sums, grads))
    return sums, grads
