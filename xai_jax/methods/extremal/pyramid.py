"""A picture at several strengths of perturbation, and with a strength for each pixel."""

import enum

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.image import gaussian_blur
from xai_jax.core.types import Images

Levels = Float[Array, "b l h w c"]  # from the most perturbed to the picture itself
Strengths = Float[Array, "b a h w 1"]  # 0 = fully perturbed, 1 = as it was
Perturbed = Float[Array, "b a h w c"]


class Perturbation(enum.Enum):
    """What a picture is turned into where the mask is 0; in normalised space."""

    BLUR = "blur"  # a Gaussian blur, with zeros (the mean colour) beyond the border
    FADE = "fade"  # zeros: the mean colour


def perturbation_levels(
    normalised: Images, perturbation: Perturbation, num_levels: int, max_blur: float
) -> Levels:
    """The picture at `num_levels` strengths, the last of which is the picture itself.

    Level l of L is blurred with ``sigma = max_blur (1 - l / (L - 1))`` pixels, or is
    ``l / (L - 1)`` times the picture.
    """
    shares = [level / (num_levels - 1) for level in range(num_levels)]
    if perturbation is Perturbation.FADE:
        return jnp.stack([share * normalised for share in shares], axis=1)
    blurred = [gaussian_blur(normalised, max_blur * (1 - s), padding="zero") for s in shares]
    return jnp.stack(blurred, axis=1)


def increments(levels: Levels) -> Levels:
    """The first level, and what each level adds to the one before."""
    return jnp.concatenate([levels[:, :1], jnp.diff(levels, axis=1)], axis=1)


def perturbed(steps: Levels, strengths: Strengths) -> Perturbed:
    """Each pixel between its two nearest levels, linearly; `a` strengths for each picture.

    Args:
        steps: `increments` of the levels: a pixel takes the whole of those below its place, a part
            of the one it lies in, and nothing of the others. No level is gathered.
        strengths: in [0, 1]. On a level the gradient is the slope above it, and on the picture
            itself, where the mask starts, 0: as the authors' code takes the level below a place.
    """
    last, channels = steps.shape[1] - 2, steps.shape[-1]
    # Repeated for each channel by a product with ones: the gradient's sum over the channels is then
    # a product too, and not a reduction of three numbers, for which XLA needs ten times as long.
    ones = jnp.ones((1, channels))
    place = jnp.matmul(strengths * (last + 1), ones, precision=jax.lax.Precision.HIGHEST)
    result = steps[:, None, 0]
    for index in range(last + 1):
        share = jnp.where(place >= index + 1, 1.0, place - index)
        share = jnp.where(place >= index, share, 0.0) if index > 0 else share
        result = result + share * steps[:, None, index + 1]
    return result
