"""The only place that averages a batch."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.types import Batch, PyTree, batch_size


def mean_loss_and_grad(
    loss_fn: Callable[..., tuple[Any, dict[str, Any], PyTree]],
    params: PyTree,
    statistics: PyTree,
    batch: Batch,
    *args: Any,
    axis_name: str | None = None,
    micro_batches: int = 1,
) -> tuple[dict[str, Any], PyTree, PyTree]:
    """Means of a per-example loss and of its terms over the real pictures, and the gradient.

    Args:
        loss_fn: ``(params, statistics, batch, *args) -> (loss [b], terms {name: [b]},
            statistics)``.
        params: what is differentiated.
        statistics: what a step changes without a gradient, such as batch norm's running means;
            ``()`` where there is nothing of the kind. Under ``pmap`` they must come out the same on
            all devices (`nn.layers.BatchNorm` sees to that).
        batch: its `weight` (0 for padding) enters both sums, so that padding counts for nothing.
        *args: handed to `loss_fn`, whole: a key among them is the same for every micro batch, so
            draws follow the image (`core.rng.example_keys`).
        axis_name: the ``pmap`` axis, or ``None`` under ``jit``, where arrays are global.
        micro_batches: the batch goes through the network in so many parts, one after the other, in
            the memory of one; the means and the gradient are those of the whole batch, but batch
            norm sees one part at a time.

    Returns:
        ``({"loss", **terms}`` as scalars, gradient of the mean loss, statistics).

    Raises:
        ValueError: `micro_batches` does not divide the batch.
    """

    def summed(statistics: PyTree, part: Batch) -> tuple[PyTree, PyTree]:
        def total(params):
            loss, terms, after = loss_fn(params, statistics, part, *args)
            sums = jax.tree.map(lambda x: jnp.sum(part.weight * x), {"loss": loss, **terms})
            return sums["loss"], (sums, after)

        grads, (sums, after) = jax.grad(total, has_aux=True)(params)
        return after, (grads, sums, jnp.sum(part.weight))

    if micro_batches == 1:
        statistics, totals = summed(statistics, batch)
    else:
        statistics, totals = _accumulated(summed, statistics, batch, micro_batches)
    # Sums and counts are reduced apart and divided once: exact under unequal padding of the
    # devices and of the micro batches.
    if axis_name is not None:
        totals = jax.lax.psum(totals, axis_name)
    grads, sums, count = totals
    count = jnp.maximum(count, 1.0)
    sums, grads = jax.tree.map(lambda x: x / count, (sums, grads))
    return sums, grads, statistics


def _accumulated(
    summed: Callable[[PyTree, Batch], tuple[PyTree, PyTree]],
    statistics: PyTree,
    batch: Batch,
    num: int,
) -> tuple[PyTree, PyTree]:
    """``summed`` of every micro batch, added up; the statistics go from one to the next."""
    rows = batch_size(batch)
    if rows % num:
        raise ValueError(f"A batch of {rows} rows cannot be cut into {num} equal micro batches.")

    def cut(x):
        # Every num-th row, so that each device finds rows of its own in every micro batch.
        return jnp.moveaxis(jnp.reshape(x, (rows // num, num, *x.shape[1:])), 1, 0)  # [num b/num]

    parts = jax.tree.map(cut, batch)
    first = jax.tree.map(lambda x: x[0], parts)
    _, shapes = jax.eval_shape(summed, statistics, first)
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def add(carry, part):
        statistics, totals = carry
        statistics, more = summed(statistics, part)
        return (statistics, jax.tree.map(jnp.add, totals, more)), None

    return jax.lax.scan(add, (statistics, zeros), parts)[0]
