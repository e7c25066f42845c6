"""What the exposure of a picture alone tells of its class, beside a classifier that STEEX explains.

A photograph's region is bright where all of it is: the mean and the spread of all pixels are the
trivial predictor that a classifier of one region's brightness has to be better than.
"""

import dataclasses

import numpy as np

from xai_jax.data.pipeline import Pipeline
from xai_jax.scoring.trivial import Trivial

NUM = 1000  # pictures, which are enough for a table


def exposure(name: str, image: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all of a picture's pixels."""
    del name
    return float(image.mean()), float(image.std())


def trivial(pictures: Pipeline) -> Trivial:
    """By the first thousand of the pictures that the classifier has learned from, each once."""
    few = dataclasses.replace(pictures.source, num=NUM)
    return Trivial(
        data=dataclasses.replace(pictures, source=few),
        numbers=exposure,
        called="the mean and the spread of a picture's brightness",
    )
