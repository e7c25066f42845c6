"""RTIS (Dabkowski & Gal 2017): a mask that keeps the class, while the rest does not show it."""

from xai_jax.methods.rtis.alternative import Alternative, Scale
from xai_jax.methods.rtis.method import Config, rtis
from xai_jax.methods.rtis.per_image import PerImage, rtis_per_image
from xai_jax.methods.rtis.terms import Form, Loss

__all__ = [
    "Alternative",
    "Config",
    "Form",
    "Loss",
    "PerImage",
    "Scale",
    "rtis",
    "rtis_per_image",
]
