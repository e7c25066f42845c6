"""NN-Explainer: a second network that draws the mask of every class in one pass."""

from xai_jax.methods.explainer.method import ClassifierMode, Config, explainer

__all__ = ["ClassifierMode", "Config", "explainer"]
