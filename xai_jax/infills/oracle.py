"""The exact infill of pictures whose distribution is known: mixtures of independent binary pixels.

With class c drawn from p(c) = 1 / k and each pixel 1 with probability p_c(u), the missing pixels
are distributed as ``sum_c p(c | kept) prod_missing p(x_u | c)``, where
``p(c | kept) ~ p(c) prod_kept p(x_v | c)``: what FIDO asks of an infill, without a network.
A mixture is the array ``[k h w 1]`` of the p_c(u), strictly within (0, 1).
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Interval
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings
from xai_jax.core.types import Classes, Images, Logits, Maps, PRNGKey, PRNGKeys

Mixture = Float[Array, "k h w 1"]

INSIDE, OUTSIDE = 0.995, 0.005  # how likely a pixel is 1, in the shape of its class and beside it
SIZE = 28
_DOTS = ((3, 3), (3, 15), (10, 11), (10, 23), (17, 3), (17, 15), (24, 11), (24, 23))


def blocks() -> Mixture:
    """'Blocks': 16 classes, each an 8 x 8 block on a 4 x 4 grid with stride 4, from (4, 4)."""
    shapes = np.zeros((16, SIZE, SIZE, 1), bool)
    for index, shape in enumerate(shapes):
        top, left = 4 + 4 * (index // 4), 4 + 4 * (index % 4)
        shape[top : top + 8, left : left + 8] = True
    return jnp.where(shapes, INSIDE, OUTSIDE)


def dots() -> Mixture:
    """'Dots': class k of 4 lights the first ``2 (k + 1)`` of eight 4 x 4 dots."""
    shapes = np.zeros((4, SIZE, SIZE, 1), bool)
    for index, shape in enumerate(shapes):
        for top, left in _DOTS[: 2 * (index + 1)]:
            shape[top : top + 4, left : left + 4] = True
    return jnp.where(shapes, INSIDE, OUTSIDE)


def draw(mixture: Mixture, target: Classes, key: PRNGKey) -> Images:
    """One picture ``[h w 1]`` of 0 and 1 for each class in `target`."""
    return jax.random.bernoulli(key, mixture[target]).astype(jnp.float32)


def log_posterior(mixture: Mixture, images: Images, keep: Maps) -> Logits:
    """``log p(c | kept pixels)`` in nats, ``[b k]``; `images` are 0 or 1 where `keep` is 1."""
    present = jnp.einsum("bhwi,khwi->bk", keep * images, jnp.log(mixture))
    absent = jnp.einsum("bhwi,khwi->bk", keep * (1.0 - images), jnp.log1p(-mixture))
    return jax.nn.log_softmax(present + absent, axis=-1)  # the classes are alike a priori


def marginals(mixture: Mixture, images: Images, keep: Maps) -> Maps:
    """How likely each pixel is 1 given the kept ones: ``sum_c p_c(u) p(c | kept)``."""
    return jnp.einsum("bk,khwi->bhwi", jnp.exp(log_posterior(mixture, images, keep)), mixture)


def _fill(params: Mixture, context: Images, keep: Maps, keys: PRNGKeys) -> Images:
    def one(key, log_probs):
        for_class, for_pixels = jax.random.split(key)
        label = jax.random.categorical(for_class, log_probs)
        return jax.random.bernoulli(for_pixels, params[label])

    drawn = jax.vmap(one)(keys, log_posterior(params, context, keep))
    return drawn.astype(context.dtype)


@dataclasses.dataclass(slots=True, kw_only=True)
class Oracle(Settings):
    """Draws the dropped pixels from their exact distribution given the kept ones.

    A class is drawn from ``p(c | kept)`` and then every pixel from that class. FIDO's authors draw
    each pixel by itself from the same `marginals`, which loses that they belong together.

    Fields:
        mixture: where the pictures come from.
    """

    mixture: Annotated[Mixture, Interval(0, 1, above=True, below=True)]

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=self.mixture, fill_fn=_fill)
