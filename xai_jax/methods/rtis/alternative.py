"""What stands where a picture is removed: its blur, or one colour with noise, by chance.

RTIS brings its own, since its loss is made for it; the infill of other methods plays no part here.
"""

import dataclasses
import enum

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from xai_jax.core import lengths
from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Natural, NotNegative, Real, Share
from xai_jax.core.image import gaussian_blur
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, ImageIds, Images, PRNGKey

Choices = Bool[Array, "b"]


class Scale(enum.Enum):
    """In which units colours and noise are given."""

    CLASSIFIER = "classifier"  # what the network eats: 0 is its mean colour, 1 its deviation
    SYMMETRIC = "symmetric"  # pixels from -1, black, to 1, white


# Deviation and half-width of the blur, pixels of 224: of NN-Explainer's comparison, and of the
# code of Dabkowski & Gal.
_PUBLISHED = {Scale.CLASSIFIER: (10.0, 40), Scale.SYMMETRIC: (11.0, 27)}


@dataclasses.dataclass(slots=True, kw_only=True)
class Alternative(Settings):
    """How the alternative image of a picture is drawn.

    Attributes:
        blur: standard deviation, pixels. ``None``: 10 where the short side is 224, or with the
            symmetric scale 11, and in proportion elsewhere.
        blur_radius: half-width of its kernel, pixels; beyond the border lies the scale's 0.
            ``None``: 40, or with the symmetric scale 27, likewise.
        blurred_share: how often it is the blur, and not a colour with noise; in [0, 1].
        colour: one colour a picture, each channel drawn between minus and plus this.
        noise: standard deviation of the noise of each pixel and channel on that colour.
        noise_mean: its mean.
        picture_noise: standard deviation of the noise on what is shown of the picture itself.
        per_batch: one choice between blur and colour for all pictures of a step; else one each.
        scale: of `colour` and of the noises.
    """

    blur: NotNegative | None = None
    blur_radius: Natural | None = None
    blurred_share: Share = 0.5
    colour: NotNegative = 0.33
    noise: NotNegative = 0.11
    noise_mean: Real = 0.0
    picture_noise: NotNegative = 0.0
    per_batch: bool = True
    scale: Scale = Scale.CLASSIFIER

    @classmethod
    def released_code(cls) -> "Alternative":
        """As in Dabkowski & Gal's code, whose pixels go from -1 to 1."""
        return cls(picture_noise=0.03, per_batch=False, scale=Scale.SYMMETRIC)


def blurred(cfg: Alternative, classifier: Classifier, images: Images) -> Images:
    """One of the two alternatives, the same whatever the key."""
    zero, _ = _units(cfg, classifier)
    size, (sigma, radius) = images.shape[1:3], _PUBLISHED[cfg.scale]
    sigma = lengths.length(cfg.blur, sigma, size)
    radius = lengths.whole(cfg.blur_radius, radius, size)
    return gaussian_blur(images - zero, sigma, padding="zero", radius=radius) + zero


def drawn(
    cfg: Alternative, classifier: Classifier, blurred: Images, key: PRNGKey, image_id: ImageIds
) -> Images:
    """The alternative image of each picture, by its own draws; not clipped to [0, 1].

    Args:
        cfg: how.
        classifier: for the scale.
        blurred: what `blurred` returned.
        key: of the step, which decides alone where one choice holds for all pictures.
        image_id: whose draws.
    """
    zero, one = _units(cfg, classifier)
    choice_key, colour_key = jax.random.split(key)

    def coloured(key, image):
        for_colour, for_noise = jax.random.split(key)
        channels = (1, 1, image.shape[-1])
        colour = jax.random.uniform(for_colour, channels, minval=-cfg.colour, maxval=cfg.colour)
        return colour + cfg.noise_mean + cfg.noise * jax.random.normal(for_noise, image.shape)

    colours = jax.vmap(coloured)(example_keys(colour_key, image_id), blurred)
    is_blurred = _choices(cfg, choice_key, image_id)[:, None, None, None]
    return jnp.where(is_blurred, blurred, zero + one * colours)


def noisy(
    cfg: Alternative, classifier: Classifier, images: Images, key: PRNGKey, image_id: ImageIds
) -> Images:
    """The pictures with the noise of what is shown of them, if there is any."""
    if cfg.picture_noise == 0:
        return images
    _, one = _units(cfg, classifier)
    draw = lambda key: jax.random.normal(key, images.shape[1:])  # noqa: E731
    return images + one * cfg.picture_noise * jax.vmap(draw)(example_keys(key, image_id))


def _choices(cfg: Alternative, key: PRNGKey, image_id: ImageIds) -> Choices:
    """Whether each picture's alternative is its blur."""
    if cfg.per_batch:
        return jnp.broadcast_to(jax.random.bernoulli(key, cfg.blurred_share), image_id.shape)
    keys = example_keys(key, image_id)
    return jax.vmap(lambda key: jax.random.bernoulli(key, cfg.blurred_share))(keys)


def _units(cfg: Alternative, classifier: Classifier) -> tuple[AnyArray, AnyArray]:
    """Unit pixels of the scale's 0, and how many of them its 1 is, ``[c]`` each."""
    if cfg.scale is Scale.CLASSIFIER:
        return classifier.mean, classifier.std
    half = jnp.full_like(classifier.mean, 0.5)
    return half, half
