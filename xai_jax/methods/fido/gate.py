"""The concrete gate: a differentiable keep-or-drop decision for each pixel (FIDO, sec. 1.1)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

GUARD = 2.22e-16  # the reference's additive guard inside every logarithm

Values = Float[Array, "..."]


def guarded_logit(probability: Values) -> Values:
    """``log(p + e) - log(1 - p + e)``."""
    return jnp.log(probability + GUARD) - jnp.log(1.0 - probability + GUARD)


def soft_keep(drop_logit: Values, noise_logit: Values, temperature: float) -> Values:
    """Soft keep value in (0, 1) from the logits of the drop probability and of uniform noise.

    ``1 - sigmoid((logit(p) + logit(u)) / t)``: above one half with probability ``1 - p``.
    """
    return jax.nn.sigmoid(-(drop_logit + noise_logit) / temperature)
