"""Masks to train infills with: those that methods make, from speckled to whole, one a picture."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from xai_jax.core.image import resize_align_corners
from xai_jax.core.types import Maps, PRNGKey, PRNGKeys

CELL = 4  # pixels: of FIDO's grid, 56 at 224
SPARSEST, DENSEST = 0.05, 0.95  # shares that are kept
_SHARPEST = 8.0  # nats: largest deviation of the logits of a field
_KINDS = (0.3, 0.5, 0.2)  # shares of cells, fields and rectangles


def holes(keys: PRNGKeys, height: int, width: int) -> Maps:
    """``[b h w 1]`` of 0 and 1 (1 = kept), each drawn by its own key.

    One of: cells of 4 pixels, each kept or not; a field, smooth over 16, 8 and 4 pixels, whose
    pixels are kept by a probability that is anything from even to nearly certain, as FIDO's are
    from its first step to its last; a rectangle of a quarter to three quarters of each side that is
    removed. Of the first two the share that is kept is uniform in [0.05, 0.95].
    """
    return jax.vmap(functools.partial(_one, height=height, width=width))(keys)


def _one(key: PRNGKey, height: int, width: int) -> jax.Array:
    for_kind, for_share, for_mask = jax.random.split(key, 3)
    kind = jax.random.choice(for_kind, len(_KINDS), p=jnp.asarray(_KINDS))
    share = jax.random.uniform(for_share, minval=SPARSEST, maxval=DENSEST)
    drawn = [draw(for_mask, share, height, width) for draw in (_cells, _field, _rectangle)]
    return jnp.select([kind == i for i in range(len(drawn))], drawn)


def _cells(key: PRNGKey, share: jax.Array, height: int, width: int) -> jax.Array:
    kept = jax.random.bernoulli(key, share, (-(-height // CELL), -(-width // CELL), 1))
    wide = kept.repeat(CELL, axis=0).repeat(CELL, axis=1)
    return wide[:height, :width].astype(jnp.float32)


def _field(key: PRNGKey, share: jax.Array, height: int, width: int) -> jax.Array:
    for_sharpness, for_pixels, *for_grids = jax.random.split(key, 5)
    logits = jnp.zeros((1, height, width, 1))
    for side, for_grid in zip((16, 8, 4), for_grids, strict=True):
        shape = 1, max(2, height // side), max(2, width // side), 1
        grid = jax.random.normal(for_grid, shape)
        logits += resize_align_corners(grid, height, width) / jnp.sqrt(3.0)
    sharpness = jax.random.uniform(for_sharpness, maxval=_SHARPEST)
    probability = jax.nn.sigmoid(_at(share, sharpness) + sharpness * logits[0])
    return jax.random.bernoulli(for_pixels, probability).astype(jnp.float32)


def _at(share: jax.Array, sharpness: jax.Array) -> jax.Array:
    """The mean of normal logits whose sigmoids have about the mean `share`.

    ``E sigmoid(m + s n) ~ sigmoid(m / sqrt(1 + pi s^2 / 8))`` (MacKay 1992); interpolation leaves
    about half of a grid's variance.
    """
    return jax.scipy.special.logit(share) * jnp.sqrt(1.0 + jnp.pi * sharpness**2 / 16.0)


def _rectangle(key: PRNGKey, share: jax.Array, height: int, width: int) -> jax.Array:
    del share
    for_sides, for_place = jax.random.split(key)
    sides = jnp.array([height, width])
    size = sides * jax.random.uniform(for_sides, (2,), minval=0.25, maxval=0.75)
    first = jax.random.uniform(for_place, (2,)) * (sides - size)
    inside = [
        (jnp.arange(side) >= jnp.round(begin)) & (jnp.arange(side) < jnp.round(begin + extent))
        for side, begin, extent in zip((height, width), first, size, strict=True)
    ]
    return 1.0 - (inside[0][:, None] & inside[1][None, :]).astype(jnp.float32)[..., None]


def boxes(keys: PRNGKeys, height: int, width: int) -> Int[Array, "b 2"]:
    """Top and left corner of a box of half of each side, uniform over its places."""

    def one(key):
        room = jnp.array([height - height // 2, width - width // 2])
        return jax.random.randint(key, (2,), 0, room + 1)

    return jax.vmap(one)(keys)


def within(boxes: Int[Array, "b 2"], keys: PRNGKeys, height: int, width: int) -> Maps:
    """Masks whose hole is most of a box of half of each side (DeepFill; specs: FIDO, sec. 3.2).

    Each of its sides is moved inwards by up to an eighth of the box in all, 16 of 128 pixels.
    """

    def one(box, key):
        sides = jnp.array([height // 2, width // 2])
        by = jax.random.randint(key, (2,), 0, sides // 16 + 1)  # at either end
        first, last = box + by, box + sides - by
        inside = [
            (jnp.arange(side) >= first[axis]) & (jnp.arange(side) < last[axis])
            for axis, side in enumerate((height, width))
        ]
        return 1.0 - (inside[0][:, None] & inside[1][None]).astype(jnp.float32)[..., None]

    return jax.vmap(one)(boxes, keys)
