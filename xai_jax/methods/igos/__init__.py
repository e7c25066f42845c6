"""iGOS++ (Khorram et al. 2021): two masks by integrated gradients, one deletes, one inserts."""

from xai_jax.methods.igos.descent import Descent
from xai_jax.methods.igos.method import Config, igos

__all__ = ["Config", "Descent", "igos"]
