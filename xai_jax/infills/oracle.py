"""The exact infill of pictures whose distribution is known: mixtures of independent binary pixels.

With class c drawn from p(c) and each pixel 1 with probability p_c(u), a missing pixel is 1 with
``p(x_u | kept) = sum_c p_c(u) p(c | kept)``, where ``p(c | kept) ~ p(c) prod_kept p(x_v | c)``: what
FIDO asks of an infill, without a network.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.types import Classes, Images, Logits, Maps, PRNGKey

INSIDE, OUTSIDE = 0.995, 0.005  # how likely a pixel is 1, in the shape of its class and beside it
SIZE = 28
_DOTS = ((3, 3), (3, 15), (10, 11), (10, 23), (17, 3), (17, 15), (24, 11), (24, 23))


@struct.dataclass
class Mixture:
    """Pictures of independent binary pixels, given their class.

    Fields:
        pixels: ``[k h w 1]`` in (0, 1), how likely each pixel of each class is 1.
        log_prior: ``[k]`` nats, of the classes.
    """

    pixels: Float[Array, "k h w 1"]
    log_prior: Float[Array, "k"]  # noqa: F821

    def sample(self, key: PRNGKey, num: int) -> tuple[Images, Classes]:
        """Pictures ``[num h w 1]`` of 0 and 1, and their classes ``[num]``."""
        for_class, for_pixels = jax.random.split(key)
        labels = jax.random.categorical(for_class, self.log_prior, shape=(num,))
        drawn = jax.random.bernoulli(for_pixels, self.pixels[labels])
        return drawn.astype(jnp.float32), labels.astype(jnp.int32)

    def class_log_probs(self, images: Images, keep: Maps) -> Logits:
        """``log p(c | kept pixels)`` in nats, ``[b k]``; `images` are 0 or 1 where `keep` is 1."""
        present = jnp.einsum("bhwi,khwi->bk", keep * images, jnp.log(self.pixels))
        absent = jnp.einsum("bhwi,khwi->bk", keep * (1.0 - images), jnp.log1p(-self.pixels))
        return jax.nn.log_softmax(self.log_prior + present + absent, axis=-1)

    def pixel_probs(self, images: Images, keep: Maps) -> Maps:
        """How likely each pixel is 1 given the kept ones, ``[b h w 1]``."""
        posterior = jnp.exp(self.class_log_probs(images, keep))
        return jnp.einsum("bk,khwi->bhwi", posterior, self.pixels)


def blocks() -> Mixture:
    """'Blocks': 16 classes, each an 8 x 8 block on a 4 x 4 grid with stride 4, from (4, 4)."""
    shapes = np.zeros((16, SIZE, SIZE, 1), bool)
    for index, shape in enumerate(shapes):
        top, left = 4 + 4 * (index // 4), 4 + 4 * (index % 4)
        shape[top : top + 8, left : left + 8] = True
    return _mixture(shapes)


def dots() -> Mixture:
    """'Dots': class k of 4 lights the first ``2 (k + 1)`` of eight 4 x 4 dots."""
    shapes = np.zeros((4, SIZE, SIZE, 1), bool)
    for index, shape in enumerate(shapes):
        for top, left in _DOTS[: 2 * (index + 1)]:
            shape[top : top + 4, left : left + 4] = True
    return _mixture(shapes)


def _mixture(shapes: np.ndarray) -> Mixture:
    """Classes of these shapes ``[k h w 1]``, all as likely."""
    pixels = jnp.asarray(np.where(shapes, INSIDE, OUTSIDE), jnp.float32)
    return Mixture(pixels=pixels, log_prior=jnp.full(len(shapes), -np.log(len(shapes))))


def _fill(params, context, keep, keys):
    probs = params.pixel_probs(context, keep)
    drawn = jax.vmap(jax.random.bernoulli)(keys, probs)
    return drawn.astype(context.dtype)


@dataclasses.dataclass(slots=True, kw_only=True)
class Oracle:
    """Draws each dropped pixel by itself from its exact distribution given the kept ones.

    Fields:
        mixture: where the pictures come from.
    """

    mixture: Mixture

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=self.mixture, fill_fn=_fill)
