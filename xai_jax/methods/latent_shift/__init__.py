"""Latent shift (Cohen et al. 2021): a step of the classifier's gradient in a latent space."""

from xai_jax.methods.latent_shift.method import Config, latent_shift

__all__ = ["Config", "latent_shift"]
