"""A generator whose answers are known: each region in one colour, its code, and a little noise."""

import jax
import jax.numpy as jnp

from xai_jax.core.generator import Generator

NAMES = ("upper left", "upper right", "lower left", "lower right", "nowhere")
NOISE = 0.02  # unit pixels; 0 is a choice too: ``flat(noise=0.0)``


def _prepare(params, images, regions):
    if regions is None:
        raise ValueError("There are no label maps.")
    return images, params["regions"][regions]


def _encode(params, context):
    del params
    images, one_hot = context
    total = jnp.einsum("bhwc,bhwn->bnc", images, one_hot)
    return total / jnp.maximum(one_hot.sum((1, 2)), 1.0)[..., None]


def _decode(params, context, codes, keys):
    images, one_hot = context
    draw = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))
    return jnp.einsum("bhwn,bnc->bhwc", one_hot, codes) + params["noise"] * draw(keys)


def flat(noise: float = NOISE, names: tuple[str, ...] = NAMES) -> Generator:
    """Codes ``[b n 3]``: the mean colour of each region; by default of quadrants and of nothing."""
    return Generator(
        params={"noise": jnp.float32(noise), "regions": jnp.eye(len(names))},
        encode_fn=_encode,
        decode_fn=_decode,
        prepare_fn=_prepare,
        region_names=names,
    )
