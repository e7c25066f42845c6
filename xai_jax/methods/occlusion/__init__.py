"""Squares that are taken away in turn: occlusion, and prediction difference analysis."""

from xai_jax.methods.occlusion.method import Config, PredictionDifference

__all__ = ["Config", "PredictionDifference"]
