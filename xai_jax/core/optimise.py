"""The per-image optimisation loop of every mask or latent optimisation: one `lax.scan`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.types import PyTree


def linear_decay(rate: float, num_steps: int) -> optax.Schedule:
    """Update i uses ``rate (1 - (i + 1) / num_steps)``, the last one 0 (FIDO, sec. 2)."""
    decrement = rate / num_steps
    return optax.linear_schedule(rate - decrement, -decrement, num_steps)


def _unchanged(theta: PyTree) -> PyTree:
    return theta


def optimise(
    objective: Callable[..., tuple[Any, dict[str, Any]]],
    theta: PyTree,
    tx: optax.GradientTransformation,
    xs: PyTree,
    *,
    project: Callable[[PyTree], PyTree] = _unchanged,
    chunks: PyTree = None,
) -> tuple[PyTree, dict[str, Any]]:
    """Minimises the objective of each image by itself.

    Args:
        objective: ``(theta, x) -> (value [b], terms {name: [b]})``; with `chunks`,
            ``(theta, x, chunk) -> ...`` and the objective is the mean over the chunks.
        theta: pytree of ``[b ...]`` arrays: mask logits, style codes.
        tx: an elementwise optimiser (SGD, Adam …): one that mixes entries (a global norm) would mix
        images.
        xs: what changes per step (step numbers, weights); pytree with leading axis ``t``.
        project: applied after each update, a clamp say.
        chunks: pytree with leading axis ``n``: the mask samples in ``n`` parts, one after the
        other, which
            bounds memory and leaves the result as it is.

    Returns:
        ``(theta, trace)`` with ``trace`` = ``{"objective", **terms}`` of ``[b t]``, before each
        update.
    """

    def total(theta, *args):
        value, terms = objective(theta, *args)
        # A sum, not a mean: an image's step must not depend on the batch size.
        return value.sum(), {"objective": value, **terms}

    gradient = jax.grad(total, has_aux=True)

    def mean_over_chunks(theta, x):
        num_chunks = jax.tree.leaves(chunks)[0].shape[0]
        one = jax.tree.map(lambda c: c[0], chunks)
        if num_chunks == 1:
            return gradient(theta, x, one)
        shapes = jax.eval_shape(gradient, theta, x, one)
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)

        def add(sums, chunk):
            return jax.tree.map(jnp.add, sums, gradient(theta, x, chunk)), None

        sums, _ = jax.lax.scan(add, zeros, chunks)
        return jax.tree.map(lambda s: s / num_chunks, sums)

    def step(carry, x):
        theta, opt_state = carry
        grads, terms = gradient(theta, x) if chunks is None else mean_over_chunks(theta, x)
        updates, opt_state = tx.update(grads, opt_state, theta)
        return (project(optax.apply_updates(theta, updates)), opt_state), terms

    (theta, _), trace = jax.lax.scan(step, (theta, tx.init(theta)), xs)
    return theta, jax.tree.map(lambda x: jnp.moveaxis(x, 0, -1), trace)  # [t b] -> [b t]
