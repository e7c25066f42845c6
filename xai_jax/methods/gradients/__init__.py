"""Gradients of the score: plain, times the input, smoothed by noise, integrated along a path."""

from xai_jax.methods.gradients.integrated import IntegratedGradients
from xai_jax.methods.gradients.method import (
    Channels,
    Gradient,
    InputXGradient,
    Reference,
    SmoothGrad,
)

__all__ = [
    "Channels",
    "Gradient",
    "InputXGradient",
    "IntegratedGradients",
    "Reference",
    "SmoothGrad",
]
