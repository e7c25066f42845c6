"""The picture itself, blurred: leaks the removed content by design; the field's usual choice."""

import dataclasses
import functools

import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import NotNegative
from xai_jax.core.image import gaussian_blur, small_kernel_blur
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings


def _fill(params, context, keep, keys):
    del params, keep, keys
    return context


@functools.cache
def _blur_with(sigma: float):
    return functools.partial(_blur, sigma=sigma)  # one object a sigma: a new one would compile anew


def _blur(params, images, *, sigma: float):
    del params
    return jnp.clip(gaussian_blur(images, sigma), 0.0, 1.0)


@dataclasses.dataclass(slots=True, kw_only=True)
class Blur(Settings):
    """Gaussian blur, reflect-padded, computed once a picture ("Blur" in FIDO, sec. 3).

    Fields:
        sigma: pixels of the prepared picture; FIDO has 10 at 224.
    """

    sigma: NotNegative = 10.0

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=None, fill_fn=_fill, prepare_fn=_blur_with(self.sigma))


def _blur_on_mean(params, images):
    return jnp.clip(params + small_kernel_blur(images - params), 0.0, 1.0)


@dataclasses.dataclass(slots=True, kw_only=True)
class KernelBlur(Settings):
    """The blur that RISE's insertion begins with: 11 x 11 pixels, zero beyond the border.

    Petsiuk et al. 2018, as their code has it; 0 is that of what the network eats, the mean colour.
    """

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill, prepare_fn=_blur_on_mean)
