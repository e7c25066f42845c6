"""Masks drawn from drop probabilities, their fills, and what the classifier says of both together.

The masks of an image stay side by side, on the device that has the image: ``[b*s ...]``.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import split_each
from xai_jax.core.types import Batch, Images, Maps, PerExample, PRNGKeys
from xai_jax.methods.fido.gate import guarded_logit, soft_keep

_FEW = 16  # masks

MaskKeys = Key[Array, "b s"]


class Masks(NamedTuple):
    """Soft masks, and the key with which the holes of each are filled."""

    keep: Maps  # [b*s h w 1]
    infill_keys: PRNGKeys  # [b*s]


def _each(x: jax.Array, samples: int) -> jax.Array:
    """Every row `samples` times: ``[b ...] -> [b*s ...]``."""
    each = jnp.broadcast_to(x[:, None], (x.shape[0], samples, *x.shape[1:]))
    return each.reshape(-1, *x.shape[1:])  # [b*s ...]


def draw(drop: Maps, keys: MaskKeys, temperature: float | jax.Array) -> Masks:
    """A mask a key, differentiable with respect to the drop probabilities ``[b h w 1]``."""
    samples = keys.shape[1]
    noise_keys, infill_keys = jnp.moveaxis(split_each(keys.reshape(-1), 2), 1, 0)
    noise = jax.vmap(lambda key: jax.random.uniform(key, drop.shape[1:]))(noise_keys)
    drop_logit = guarded_logit(drop)
    repeated = _each(drop_logit, samples)
    if samples <= _FEW:  # the same, with a sum of slices for a gradient: faster on CPUs
        repeated = jnp.concatenate([drop_logit[:, None]] * samples, axis=1).reshape(noise.shape)
    return Masks(soft_keep(repeated, guarded_logit(noise), temperature), infill_keys)


def fills(frozen: Frozen, context: Any, masks: Masks, samples: int) -> Images:
    """What the infill puts into the rounded masks, ``[b*s h w c]``; detached.

    Args:
        frozen: its infill.
        context: `Infill.prepare` of the images.
        masks: of each image as many as `samples`.
        samples: masks an image.
    """
    repeated = jax.tree.map(lambda x: _each(x, samples), context)
    return frozen.infill(repeated, jnp.round(masks.keep), masks.infill_keys)


def log_odds(
    frozen: Frozen,
    batch: Batch,
    keep: Float[Array, "n h w 1"],
    filled: Float[Array, "n h w c"],
) -> PerExample:
    """Mean over the masks of the log-odds of the composites, ``[b]`` in nats."""
    size = len(batch.images)
    samples = len(keep) // size
    composites = compose(_each(batch.images, samples), keep, filled)
    scores = frozen.classifier.log_odds(composites, _each(batch.target, samples))
    return scores.reshape(size, samples).mean(axis=1)


def mean_log_odds(
    frozen: Frozen,
    batch: Batch,
    context: Any,
    drop: Maps,
    keys: MaskKeys,
    temperature: float | jax.Array,
) -> PerExample:
    """Monte-Carlo mean over fresh masks, each with its own fill, ``[b]`` in nats.

    Args:
        frozen: classifier and infill.
        batch: images and targets.
        context: `frozen.infill.prepare` of the images.
        drop: drop probability a pixel.
        keys: one for each mask of each image.
        temperature: of the gate.
    """
    masks = draw(drop, keys, temperature)
    return log_odds(frozen, batch, masks.keep, fills(frozen, context, masks, keys.shape[1]))
