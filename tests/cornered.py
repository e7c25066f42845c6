"""Pictures whose bright corner a classifier asks for, and SyCE of two channels."""

import dataclasses

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import syce
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

SIDE = 8
NOTHING = syce.Loss(**{field.name: 0.0 for field in dataclasses.fields(syce.Loss)})
SMALL = {"network": UNet(widths=(2, 2)), "critic": PatchDiscriminator(widths=(2,))}


def corner(params, images):
    """One logit: how bright the upper left quarter is."""
    half = images.shape[1] // 2
    return params * (images[:, :half, :half].mean((1, 2, 3)) - 0.5)[:, None]


def frozen(gain: float = 20.0) -> Frozen:
    classifier = Classifier.from_callable(corner, jnp.float32(gain), head=Head.SIGMOID)
    return Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))


def batch_of(num: int, key, side: int = SIDE) -> Batch:
    """Row i has a bright corner if i is odd, as the quarter beside it always is."""
    of_levels, of_noise = jax.random.split(key)
    bright = jnp.zeros((num, 2, 2)).at[:, 0, 1].set(1.0)
    bright = bright.at[:, 0, 0].set(jnp.arange(num) % 2)
    bright = bright + jax.random.uniform(of_levels, bright.shape, minval=-0.1, maxval=0.1)
    clean = 0.2 + 0.6 * bright.repeat(side // 2, 1).repeat(side // 2, 2)[..., None]
    noise = 0.05 * jax.random.normal(of_noise, clean.shape)
    images = jnp.clip(clean + noise, 0.0, 1.0).repeat(3, axis=3)
    return Batch(
        images=images,
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
    )
