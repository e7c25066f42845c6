"""RISE (Petsiuk et al. 2018): the mean of random masks, each weighed by what it leaves to see."""

from xai_jax.methods.rise.masks import Form
from xai_jax.methods.rise.method import Config, rise

__all__ = ["Config", "Form", "rise"]
