"""Grad-CAM (Selvaraju et al. 2017): activations weighed by how the score moves with them."""

from xai_jax.methods.gradcam.method import Config, NanPolicy, gradcam

__all__ = ["Config", "NanPolicy", "gradcam"]
