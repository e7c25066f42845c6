"""Push-pull: what is removed takes the colours of the kept pixels around it, the nearer the better.

Gortler, Grzeszczuk, Szeliski, Cohen, "The Lumigraph", SIGGRAPH 1996, sec. 3.4.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.image import resize
from xai_jax.core.types import Images, Maps

Colours = Float[Array, "b y x c"]
Weights = Float[Array, "b y x 1"]


def push_pull(images: Images, keep: Maps, otherwise: float | jax.Array) -> Images:
    """Averages of the kept pixels over windows of 2, 4, 8, ... pixels, the finest that has any.

    Args:
        images: any range; what they hold where `keep` is 0 is not looked at.
        keep: 1 = known, 0 = to be filled.
        otherwise: the colour of a picture of which nothing is kept, one number or one a channel.

    Returns:
        `images` where they are kept, and smooth colours elsewhere.
    """
    levels = [(images, keep)]
    while max(levels[-1][1].shape[1:3]) > 1:
        levels.append(_pulled(*levels[-1]))
    colours, weights = levels.pop()
    filled = jnp.where(weights > 0, colours, otherwise)
    for colours, weights in reversed(levels):
        filled = _pushed(filled, colours, weights)
    return filled


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
