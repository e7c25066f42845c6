"""Extremal perturbations (Fong et al. 2019): which mask of a given area keeps the class best?"""

from xai_jax.methods.extremal.method import Config, Game, Reward, extremal
from xai_jax.methods.extremal.pyramid import Perturbation

__all__ = ["Config", "Game", "Perturbation", "Reward", "extremal"]
