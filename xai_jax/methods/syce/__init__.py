"""SyCE and CyCE (Charachon et al. 2022): what would have to change for another decision."""

from xai_jax.methods.syce.method import Config, syce
from xai_jax.methods.syce.settings import Draws, Loss, Map, Stable

__all__ = ["Config", "Draws", "Loss", "Map", "Stable", "syce"]
