"""STEEX (Jacob et al. 2022): which region would have to look different for another decision."""

from xai_jax.methods.steex.method import Config, steex
from xai_jax.methods.steex.sparsest import Sparsest, sparsest

__all__ = ["Config", "Sparsest", "sparsest", "steex"]
