"""Adversarial pictures (Madry et al. 2018): how little turns a decision and means nothing."""

from xai_jax.methods.adversarial.method import Config, adversarial

__all__ = ["Config", "adversarial"]
