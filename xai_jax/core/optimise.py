"""The per-image optimisation loop of every mask or latent optimisation: one `lax.scan`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.types import PyTree


def linear_decay(rate: float, num_steps: int) -> optax.Schedule:
    """Update i = 0, 1, ... uses ``rate (1 - i / num_steps)`` (FIDO, sec. 2)."""
    return optax.linear_schedule(rate, 0.0, num_steps)


def _unchanged(theta: PyTree) -> PyTree:
    return theta


def optimise(
    objective: Callable[..., Any],
    theta: PyTree,
    tx: optax.GradientTransformation,
    xs: PyTree,
    *,
    project: Callable[[PyTree], PyTree] = _unchanged,
    chunks: PyTree = None,
    memory: PyTree = None,
    settled: Callable[[dict[str, Any]], jax.Array] | None = None,
) -> tuple[PyTree, dict[str, Any]]:
    """Minimises the objective of each image by itself.

    Args:
        objective: ``(theta, x) -> (value [b], terms {name: [b]})``; with `chunks`,
            ``(theta, x, chunk) -> ...`` and the objective is the mean over the chunks; with
            `memory`, ``(theta, x, memory) -> (value, terms, memory)``.
        theta: pytree of ``[b ...]`` arrays: mask logits, style codes.
        tx: an elementwise optimiser (SGD, Adam …): one that mixes entries (a global norm) would mix
            images.
        xs: what changes per step (step numbers, weights); pytree with leading axis ``t``.
        project: applied after each update, a clamp say.
        chunks: pytree with leading axis ``n``: the mask samples in ``n`` parts, one after the
            other, which bounds memory and leaves the result as it is.
        memory: what the objective carries from step to step without a gradient, pytree of
            ``[b ...]``: a fill that serves several steps, say. Not together with `chunks`.
        settled: ``terms -> [b]`` bool: from that step on such an image stays as it was before it.
            Its trace repeats itself, and once all are still nothing is computed any more.

    Returns:
        ``(theta, trace)`` with ``trace`` = ``{"objective", **terms}`` of ``[b t]``, before each
        update.
    """
    if memory is not None and chunks is not None:
        raise ValueError("An objective carries a memory or comes in chunks, not both.")

    def total(theta, memory, *args):
        if memory is None:
            value, terms = objective(theta, *args)
        else:
            value, terms, memory = objective(theta, *args, memory)
        # A sum, not a mean: an image's step must not depend on the batch size.
        return value.sum(), (memory, {"objective": value, **terms})

    gradient = jax.grad(total, has_aux=True)

    def step(carry, x):
        theta, opt_state, memory, still = carry
        if chunks is None:
            grads, (memory, terms) = gradient(theta, memory, x)
        else:
            grads, (_, terms) = _mean_over(chunks, lambda chunk: gradient(theta, None, x, chunk))
        updates, after = tx.update(grads, opt_state, theta)
        moved = project(optax.apply_updates(theta, updates))
        if settled is not None:
            still = still | settled(terms)
            moved = _where_still(still, theta, moved)
        return (moved, after, memory, still), terms

    num = jax.tree.leaves(theta)[0].shape[0]
    still = None if settled is None else jnp.zeros(num, bool)
    begun: Any = (theta, tx.init(theta), memory, still)
    if settled is None:
        (theta, *_), trace = jax.lax.scan(step, begun, xs)
    else:
        (theta, *_), trace = _scan_until_still(step, begun, xs)
    return theta, jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), trace)  # [t b] -> [b t]


def _scan_until_still(step: Callable[..., Any], begun: PyTree, xs: PyTree) -> Any:
    """`jax.lax.scan` of steps whose carry ends with which images are still, ``[b]``.

    What is said of an image that is still repeats itself, so that it does not depend on whether
    others in its batch still move.
    """
    first = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), xs)  # may be of none
    shapes = jax.eval_shape(step, begun, first)[1]
    nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

    def one(carry, x):
        inner, last = carry
        still = inner[-1]
        after, terms = jax.lax.cond(
            still.all(), lambda inner, x: (inner, last), lambda inner, x: step(inner, x), inner, x
        )
        terms = _where_still(still, last, terms)
        return (after, terms), terms

    (carry, _), trace = jax.lax.scan(one, (begun, nothing), xs)
    return carry, trace


def _mean_over(chunks: PyTree, gradient: Callable[[PyTree], PyTree]) -> PyTree:
    """The mean of what `gradient` says of each chunk, in the memory of one."""
    num_chunks = jax.tree.leaves(chunks)[0].shape[0]
    one = jax.tree.map(lambda c: c[0], chunks)
    if num_chunks == 1:
        return gradient(one)
    shapes = jax.eval_shape(gradient, one)
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

    def add(sums, chunk):
        return jax.tree.map(jnp.add, sums, gradient(chunk)), None

    sums, _ = jax.lax.scan(add, zeros, chunks)
    return jax.tree.map(lambda s: s / num_chunks, sums)


def _where_still(still: jax.Array, before: PyTree, after: PyTree) -> PyTree:
    def one(old, new):
        return jnp.where(still.reshape(-1, *([1] * (new.ndim - 1))), old, new)

    return jax.tree.map(one, before, after)
