"""Spectral norm: kernels that stretch nothing by more than 1.

Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for GANs", ICLR 2018; with as many power
iterations from the same start at every call as make a memory of the last one needless.
"""

import jax
import jax.numpy as jnp

from xai_jax.core.types import AnyArray


def spectral_norm(kernel: AnyArray, iterations: int = 8) -> AnyArray:
    """About the largest singular value of a kernel as a matrix ``[everything else, outputs]``."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    fixed = jax.lax.stop_gradient(matrix)

    def closer(_, vector):
        return _unit((fixed @ vector) @ fixed)  # of its transpose XLA would make a copy each time

    vector = _unit(jnp.ones(matrix.shape[1]) + jnp.linspace(0.0, 1.0, matrix.shape[1]))
    vector = jax.lax.fori_loop(0, iterations, closer, vector)
    return jnp.linalg.norm(matrix @ vector)


def _unit(vector: AnyArray) -> AnyArray:
    return vector / jnp.maximum(jnp.linalg.norm(vector), 1e-12)
