"""One random colour a picture, with noise: content that no classifier takes for evidence."""

import dataclasses

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import NotNegative
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings


def _fill(params, context, keep, keys):
    del keep

    def one(key, image):
        for_colour, for_noise = jax.random.split(key)
        colour = jax.random.uniform(for_colour, (1, 1, image.shape[-1]))
        noise = params * jax.random.normal(for_noise, image.shape)
        return jnp.clip(colour + noise, 0.0, 1.0)

    return jax.vmap(one)(keys, context)


@dataclasses.dataclass(slots=True, kw_only=True)
class RandomColour(Settings):
    """A uniform colour plus normal noise, clipped; one draw a key ("Random" in FIDO, sec. 3).

    Fields:
        noise: standard deviation of the noise of each pixel and channel, unit pixels.
    """

    noise: NotNegative = 0.2

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=jnp.float32(self.noise), fill_fn=_fill)
