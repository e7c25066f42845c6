"""The only place that averages a batch."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.types import Batch, PyTree, batch_size


def mean_loss_and_grad(
    loss_fn: Callable[..., tuple[Any, dict[str, Any]]],
    params: PyTree,
    batch: Batch,
    *args: Any,
    axis_name: str | None = None,
    micro_batches: int = 1,
) -> tuple[dict[str, Any], PyTree]:
    """Means of a per-example loss and of its terms over the real pictures, and the gradient.

    Args:
        loss_fn: ``(params, batch, *args) -> (loss [b], terms {name: [b]})``.
        params: what is differentiated.
        batch: its `weight` (0 for padding) enters both sums, so that padding counts for nothing.
        *args: handed to `loss_fn`, whole: a key among them is the same for every micro batch, so
            draws follow the image (`core.rng.example_keys`).
        axis_name: the ``pmap`` axis, or ``None`` under ``jit``, where arrays are global.
        micro_batches: the batch goes through the network in so many parts, one after the other, in
            the memory of one; the means and the gradient are those of the whole batch.

    Returns:
        ``({"loss", **terms}`` as scalars, gradient of the mean loss).

    Raises:
        ValueError: `micro_batches` does not divide the batch.
    """

    def summed(part: Batch) -> tuple[PyTree, dict[str, Any], jax.Array]:
        def total(params):
            loss, terms = loss_fn(params, part, *args)
            sums = jax.tree.map(lambda x: jnp.sum(part.weight * x), {"loss": loss, **terms})
            return sums["loss"], sums

        return *jax.grad(total, has_aux=True)(params), jnp.sum(part.weight)

    if micro_batches == 1:
        totals = summed(batch)
    else:
        totals = _accumulated(summed, batch, micro_batches)
    # Sums and counts are reduced apart and divided once: exact under unequal padding of the
    # devices and of the micro batches.
    if axis_name is not None:
        totals = jax.lax.psum(totals, axis_name)
    grads, sums, count = totals
    count = jnp.maximum(count, 1.0)
    sums, grads = jax.tree.map(lambda x: x / count, (sums, grads))
    return sums, grads


def _accumulated(summed: Callable[[Batch], PyTree], batch: Batch, num: int) -> PyTree:
    """``summed`` of every micro batch, added up."""
    rows = batch_size(batch)
    if rows % num:
        raise ValueError(f"A batch of {rows} rows cannot be cut into {num} equal micro batches.")

    def cut(x):
        # Every num-th row, so that each device finds rows of its own in every micro batch.
        return jnp.moveaxis(jnp.reshape(x, (rows // num, num, *x.shape[1:])), 1, 0)  # [num b/num]

    parts = jax.tree.map(cut, batch)
    zeros = jax.tree.map(
        lambda x: jnp.zeros(x.shape, x.dtype),
        jax.eval_shape(summed, jax.tree.map(lambda x: x[0], parts)),
    )

    def add(totals, part):
        return jax.tree.map(jnp.add, totals, summed(part)), None

    return jax.lax.scan(add, zeros, parts)[0]
