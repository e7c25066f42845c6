"""The concrete gate: a differentiable keep-or-drop decision for each pixel (FIDO, sec. 1.1)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# The reference adds a guard of 2.22e-16 inside every logarithm. In float32 `1 - p + guard` is 0 at
# p = 1
# (compilers add the constants up), so the probability is clipped instead: the same up to the guard.
LOWEST, HIGHEST = 2.22e-16, 1.0 - 2.0**-24

Values = Float[Array, "..."]


def guarded_logit(probability: Values) -> Values:
    """``log p - log(1 - p)``, finite for every p in [0, 1], with a finite gradient."""
    clipped = jnp.clip(probability, LOWEST, HIGHEST)
    return jnp.log(clipped) - jnp.log1p(-clipped)


def soft_keep(drop_logit: Values, noise_logit: Values, temperature: float | jax.Array) -> Values:
    """Soft keep value in (0, 1) from the logits of the drop probability and of uniform noise.

    ``1 - sigmoid((logit(p) + logit(u)) / t)``: above one half with probability ``1 - p``.
    """
    return jax.nn.sigmoid(-(drop_logit + noise_logit) / temperature)
