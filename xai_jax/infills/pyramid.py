"""Push-pull: what is removed takes the colours of the kept pixels around it, the nearer the better.

Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, sec. 3.4.
"""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.classifier import Classifier
from xai_jax.core.image import resize
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings

Colours = Float[Array, "b y x c"]
Weights = Float[Array, "b y x 1"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Pyramid(Settings):
    """Averages of the kept pixels over windows of 2, 4, 8, ... pixels, the finest that has any.

    Smooth, deterministic, needs no training and no setting. A picture of which nothing is kept
    becomes the classifier's mean colour (0 when normalised).
    """

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill)


def _fill(params, context, keep, keys):
    del keys
    return filled(params, context, keep)


def filled(mean: Array, images: Colours, keep: Weights) -> Colours:
    """The pictures with what is removed filled; of `mean` colour where nothing is kept."""
    levels = [(images, keep)]
    while max(levels[-1][1].shape[1:3]) > 1:
        levels.append(_pulled(*levels[-1]))
    colours, weights = levels.pop()
    whole = jnp.where(weights > 0, colours, mean)
    for colours, weights in reversed(levels):
        whole = _pushed(whole, colours, weights)
    return whole


def _pulled(
    colours: Colours, weights: Weights
) -> tuple[Float[Array, "b v u c"], Float[Array, "b v u 1"]]:
    """At half the resolution: mean colour of the kept pixels of 2 x 2, and how far there are any.

    A weight is the number of kept pixels, at most 1.
    """
    total = _summed(weights)
    mean = _summed(weights * colours) / jnp.where(total > 0, total, 1.0)
    return mean, jnp.minimum(total, 1.0)


def _summed(values: Colours) -> Float[Array, "b v u c"]:
    """Over 2 x 2 pixels; 0 lies beyond an odd border."""
    batch, height, width, channels = values.shape
    even = jnp.pad(values, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    cells = even.reshape(batch, -(-height // 2), 2, -(-width // 2), 2, channels)
    return cells.sum(axis=(2, 4))


def _pushed(coarse: Float[Array, "b v u c"], colours: Colours, weights: Weights) -> Colours:
    """At twice the resolution: a level's own colours, and the coarser ones where it has none."""
    height, width = colours.shape[1:3]
    wide = resize(coarse, 2 * coarse.shape[1], 2 * coarse.shape[2])[:, :height, :width]
    return weights * colours + (1.0 - weights) * wide
