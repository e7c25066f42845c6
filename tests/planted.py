"""Evidence that is known: a classifier that scores a class by the brightness of its quadrant."""

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.generator import Generator
from xai_jax.core.types import AnyArray, Batch, Images, Logits, Maps, PRNGKey, PyTree

NUM_CLASSES = 4  # upper left, upper right, lower left, lower right
DARK, BRIGHT, NOISE = 0.2, 0.8, 0.3  # unit pixels; the noise is loud, so that a wrong key shows


def _quadrant_features(params: PyTree, images: Images) -> AnyArray:
    """``[b 2 2 4]``: channel k is the mean brightness of quadrant k there, and 0 elsewhere."""
    del params
    b, h, w, c = images.shape
    quarters = images.reshape(b, 2, h // 2, 2, w // 2, c)  # [b y h/2 x w/2 c]
    own = jnp.eye(NUM_CLASSES).reshape(2, 2, NUM_CLASSES)
    return quarters.mean(axis=(2, 4, 5))[..., None] * own


def _quadrant_head(params: PyTree, features: AnyArray) -> Logits:
    return params["gain"] * features.sum(axis=(1, 2))


def _quadrant_logits(params: PyTree, images: Images) -> Logits:
    """``gain *`` mean brightness of each quadrant; linear in the pixels: closed forms exist."""
    return _quadrant_head(params, _quadrant_features(params, images))


def quadrant(gain: float = 20.0) -> Classifier:
    """Four classes; logit k is ``gain *`` mean brightness of quadrant k, in reading order.

    Pictures are ``[b h w c]`` of even height and width. With gain 20 one of `quadrant_batch` has
    log-odds of 9 nats: ``20 * 0.6 - log 3`` = 10.9, less what clipping its noise takes.
    """
    made = Classifier.from_callable(_quadrant_logits, {"gain": jnp.float32(gain)})
    return made.replace(features_fn=_quadrant_features, head_fn=_quadrant_head)


def quadrant_batch(num: int, size: int, key: PRNGKey, *, first_id: int = 0) -> Batch:
    """Noisy pictures ``[num size size 3]`` with one bright quadrant each, which is their target.

    Picture i depends on ``(key, first_id + i)`` only and shows class ``(first_id + i) % 4``.
    """
    image_id = jnp.arange(first_id, first_id + num, dtype=jnp.uint32)
    target = (image_id % NUM_CLASSES).astype(jnp.int32)
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(image_id)
    noise = jax.vmap(lambda k: jax.random.normal(k, (size, size, 3)))(keys)
    clean = DARK + (BRIGHT - DARK) * quadrant_maps(target, size)
    images = jnp.clip(clean + NOISE * noise, 0.0, 1.0)
    return Batch(
        images=images,
        target=target,
        image_id=image_id,
        weight=jnp.ones(num),
        regions=jnp.broadcast_to(quadrant_regions(size), (num, size, size)),
    )


def quadrant_regions(size: int) -> AnyArray:
    """``[size size]`` int32: the number of each pixel's quadrant."""
    numbers = jnp.arange(NUM_CLASSES).reshape(2, 2)
    return numbers.repeat(size // 2, axis=0).repeat(size // 2, axis=1)


def quadrant_maps(target: AnyArray, size: int) -> Maps:
    """``[b size size 1]``: 1 on the quadrant of each target class, 0 elsewhere."""
    flat = jax.nn.one_hot(target, NUM_CLASSES).reshape(-1, 2, 2, 1)
    return flat.repeat(size // 2, axis=1).repeat(size // 2, axis=2)


POOL = 4  # side of a square of pixels that is one number of a code


def _pooled(params: PyTree, images: Images) -> AnyArray:
    b, h, w, c = images.shape
    return images.reshape(b, h // POOL, POOL, w // POOL, POOL, c).mean(axis=(2, 4)) - params


def _spread(params: PyTree, context: Images, codes: AnyArray, keys: AnyArray) -> Images:
    del context, keys
    return (codes + params).repeat(POOL, axis=1).repeat(POOL, axis=2)


def pooled() -> Generator:
    """A latent space without training: a code is the mean of each 4 x 4 pixels, less one half."""
    return Generator(params=jnp.float32(0.5), encode_fn=_pooled, decode_fn=_spread)


def take(batch: Batch, rows: slice) -> Batch:
    """Some rows of a Batch, in the company of nobody else."""
    return jax.tree.map(lambda x: x[rows], batch)
