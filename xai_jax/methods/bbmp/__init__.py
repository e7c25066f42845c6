"""BBMP (Fong & Vedaldi 2017): the smallest smooth region whose removal loses the class."""

from xai_jax.methods.bbmp.method import (
    Config,
    Game,
    Initial,
    Priced,
    Score,
    Upsampling,
    bbmp,
)

__all__ = ["Config", "Game", "Initial", "Priced", "Score", "Upsampling", "bbmp"]
