"""The terms of iGOS++: what masks delete and insert on the way to them, and what they cost."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.image import resize_align_corners
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.parts import Indices
from xai_jax.core.rng import fold_each
from xai_jax.core.targets import Score, scores
from xai_jax.core.types import AnyArray, Batch, Images, PerExample, PRNGKeys
from xai_jax.methods.igos.descent import Grids

Mask = Float[Array, "b g g 1"]
TERMS = 4  # both masks delete, both insert, the first deletes, the second inserts
_SIGNS = (1.0, -1.0, 1.0, -1.0)  # what is deleted is to fall, what is inserted to rise
_EDGE = 0.01  # squared steps of the normalised picture that count as an edge


@dataclasses.dataclass(frozen=True, kw_only=True)
class Game:
    """Everything that the scores of masks depend on besides the masks.

    Fields:
        frozen, batch: the classifier; pictures and targets.
        blurred: what stands for the pictures where a mask deletes, ``[b h w c]`` unit pixels.
        num_points: points on the way from a mask of zeros to the mask.
        noise: standard deviation of the noise, in what the network eats.
        score: what a composite is asked for.
    """

    frozen: Frozen
    batch: Batch
    blurred: Images
    num_points: int
    noise: float
    score: Score


def term_scores(
    game: Game, grids: Grids, keys: PRNGKeys, look: AnyArray, points: Indices
) -> Float[Array, "b m 4"]:
    """The score of each term at some points 0 ... num_points - 1 of the way.

    Args:
        game: all but the masks.
        grids: two masks a picture; 1: nothing of the picture is deleted, or inserted.
        keys: ``[b]``, of all noise.
        look: how often the masks were looked at before: each look has noise of its own.
        points: which.
    """
    num, height, width, channels = game.batch.images.shape
    deleting, inserting = grids[..., :1], grids[..., 1:]
    masks = jnp.concatenate([deleting * inserting, deleting, inserting], axis=3)
    both, first, second = jnp.moveaxis(resize_align_corners(masks, height, width), 3, 0)
    share = ((points + 1) / game.num_points)[None, :, None, None]
    both, first, second = (share * mask[:, None] for mask in (both, first, second))  # [b m h w]
    keep = jnp.stack([both, 1.0 - both, first, 1.0 - second], axis=2)[..., None]
    images, blurred = (x[:, None, None] for x in (game.batch.images, game.blurred))

    def noise(key):
        draw = jax.random.normal(key, (TERMS, height, width, channels))
        return game.noise * game.frozen.classifier.std * draw

    draws = look * game.num_points + points
    point_keys = jax.vmap(lambda i: fold_each(keys, i), out_axes=1)(draws)  # [b m]
    composites = compose(images, keep, blurred) + jax.vmap(jax.vmap(noise))(point_keys)
    classifier, each = game.frozen.classifier, len(points) * TERMS
    logits = classifier.logits(composites.reshape(-1, height, width, channels))
    target = jnp.repeat(game.batch.target, each)
    found = scores(logits, target, classifier.head, game.score)
    return found.reshape(num, len(points), TERMS)


def game_value(found: Float[Array, "b 4"]) -> PerExample:
    """What the masks delete less what they insert, together and each by itself."""
    return jnp.dot(found, jnp.array(_SIGNS))


def penalty(
    grids: Grids, normalised: Images, area_weight: float, variation_weight: float
) -> PerExample:
    """Price of what the product of the two masks removes, and of its steps."""
    mask = grids[..., :1] * grids[..., 1:]
    area = jnp.abs(1.0 - mask).mean(axis=(1, 2, 3))
    return area_weight * area + variation_weight * bilateral_variation(mask, normalised)


def bilateral_variation(mask: Mask, normalised: Images) -> PerExample:
    """Half the mean squared steps of the mask, and of it upsampled where the picture has no edge.

    Downwards an edge is the squared mean of the channels' steps, across it is each channel's, and
    the weights are averaged: as the released code has it.
    """
    whole = resize_align_corners(mask, *normalised.shape[1:3])
    down, across = jnp.diff(normalised, axis=1), jnp.diff(normalised, axis=2)
    flat_down = jnp.exp(-jnp.square(down.mean(axis=3, keepdims=True)) / _EDGE)
    flat_across = jnp.exp(-jnp.square(across) / _EDGE).mean(axis=3, keepdims=True)
    steps = (
        jnp.square(jnp.diff(mask, axis=1)),
        jnp.square(jnp.diff(mask, axis=2)),
        flat_down * jnp.square(jnp.diff(whole, axis=1)),
        flat_across * jnp.square(jnp.diff(whole, axis=2)),
    )
    return sum((step.mean(axis=(1, 2, 3)) for step in steps), start=jnp.zeros(len(mask))) / 2
