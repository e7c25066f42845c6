"""MGen's pictures: what a mask takes is blurred, and darkened (specs: generative, sec. 3.4)."""

import jax.numpy as jnp
import numpy as np

from xai_jax.core.image import separable
from xai_jax.core.types import AnyArray, Images, Maps
from xai_jax.losses.absolute import absolute

_SIGMA, _REACH = 20.0, 16  # pixels: the authors' Gaussian, and how far its taps go
_NOTHING = 1e-6  # of both halves of a mask


def mask_of(drawn: AnyArray, times: int) -> Maps:
    """``|u| / (|u| + |v|)`` of the two channels u and v, each number a square of `times` pixels."""
    size = absolute(drawn)
    mask = size[..., :1] / jnp.maximum(size.sum(axis=-1, keepdims=True), _NOTHING)
    return mask.repeat(times, axis=1).repeat(times, axis=2)


def darkened(images: Images) -> Images:
    """Blurred by a Gaussian of 20 pixels, of which 33 taps are taken and none made up for.

    So all of it is at most 0.349 times as bright, and less towards the border, beyond which all is
    black.
    """
    return separable(images, _taps(images.shape[1]), _taps(images.shape[2]))


def _taps(pixels: int) -> np.ndarray:
    away = np.arange(pixels)[:, None] - np.arange(pixels)
    height = np.exp(-(away**2) / (2.0 * _SIGMA**2)) / (np.sqrt(2.0 * np.pi) * _SIGMA)
    return np.where(np.abs(away) <= _REACH, height, 0.0).astype(np.float32)
