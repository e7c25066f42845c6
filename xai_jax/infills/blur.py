"""The picture itself, blurred: leaks the removed content by design; the field's usual choice."""

import dataclasses
import functools

import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import NotNegative
from xai_jax.core.image import gaussian_blur, small_kernel_blur
from xai_jax.core.infill import Infill
from xai_jax.core.lengths import length
from xai_jax.core.settings import Settings

_SIGMA = 10.0  # pixels of 224


def _fill(params, context, keep, keys):
    del params, keep, keys
    return context


@functools.cache
def _blur_with(sigma: float | None):
    return functools.partial(_blur, sigma=sigma)  # one object a sigma: a new one would compile anew


def _blur(params, images, size, *, sigma: float | None):
    del params
    return jnp.clip(gaussian_blur(images, length(sigma, _SIGMA, size)), 0.0, 1.0)


@dataclasses.dataclass(slots=True, kw_only=True)
class Blur(Settings):
    """Gaussian blur, reflect-padded, computed once a picture ("Blur" in FIDO, sec. 3).

    Fields:
        sigma: standard deviation, pixels. ``None``: FIDO's, 10 where the short side is 224, and in
            proportion elsewhere.
    """

    sigma: NotNegative | None = None

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=None, fill_fn=_fill, prepare_fn=_blur_with(self.sigma))


def _blur_on_mean(params, images, size):
    del size  # the protocol's own
    return jnp.clip(params + small_kernel_blur(images - params), 0.0, 1.0)


@dataclasses.dataclass(slots=True, kw_only=True)
class KernelBlur(Settings):
    """The blur that RISE's insertion begins with: 11 x 11 pixels, zero beyond the border.

    Petsiuk et al. 2018, as their code has it; 0 is that of what the network eats, the mean colour.
    """

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill, prepare_fn=_blur_on_mean)
