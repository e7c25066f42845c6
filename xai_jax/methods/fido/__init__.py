"""FIDO (Chang et al. 2019): which pixels would change the decision if they had not been seen?"""

from xai_jax.methods.fido.method import Config, Display, Game, fido

__all__ = ["Config", "Display", "Game", "fido"]
