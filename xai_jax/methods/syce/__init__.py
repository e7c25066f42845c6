"""SyCE and CyCE (Charachon et al. 2022): what would have to change for another decision."""

from xai_jax.methods.syce.method import Config, syce
from xai_jax.methods.syce.settings import Loss, Stable

__all__ = ["Config", "Loss", "Stable", "syce"]
