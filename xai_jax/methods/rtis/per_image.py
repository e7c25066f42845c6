"""RTIS without a network: one mask, optimised for one picture and its target.

The iterative variant in the code of Dabkowski & Gal 2017.
"""

import dataclasses

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from xai_jax.core import image, lengths, outputs
from xai_jax.core.domains import Count, NotNegative, ShareBelowOne, Side
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import optimise
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Explanation, Maps, PRNGKey
from xai_jax.losses import masks
from xai_jax.losses.absolute import absolute
from xai_jax.methods.rtis import alternative, terms
from xai_jax.methods.rtis.alternative import Alternative
from xai_jax.methods.rtis.terms import Form, Loss

Channels = Float[Array, "b g g 2"]

_START = 0.5  # of both channels
_GUARD = 0.001  # keeps a cell of two zeros from 0 / 0


@dataclasses.dataclass(slots=True, kw_only=True)
class PerImage(Settings):
    """Settings; the defaults are those of the authors' code.

    Attributes:
        grid: side of the optimised mask, cells; at most one a pixel.
        num_steps: optimisation steps, one classifier call on both parts each.
        learning_rate: of gradient descent.
        momentum: of Nesterov, in [0, 1).
        loss: what the mask is judged by.
        alternative: what stands where the picture is removed, drawn anew at each step.
    """

    grid: Side = 32
    num_steps: Count = 200
    learning_rate: NotNegative = 0.1
    momentum: ShareBelowOne = 0.9
    loss: Loss = dataclasses.field(default_factory=Loss.iterative)
    alternative: Alternative = dataclasses.field(default_factory=Alternative.released_code)

    @classmethod
    def smoke(cls) -> "PerImage":
        """The smallest honest run: seconds on one CPU core, on small pictures."""
        # Rounding grows with the steps, and a picture's masks alone and in company are compared.
        alternative = dataclasses.replace(Alternative.released_code(), blur=11.0, blur_radius=27)
        return cls(grid=8, num_steps=12, alternative=alternative)

    def build(self) -> Method:
        """The method with these settings."""
        return rtis_per_image(self)


_OUTPUTS = (
    outputs.KEEP,
    outputs.trace("objective", "that of the loss's form", "What is minimised."),
    outputs.trace("preservation", "that of the loss's form", "What the kept part lacks."),
    outputs.trace("destruction", "that of the loss's form", "What the removed part still shows."),
    outputs.trace("area", "that of the loss's form", "Price of the mask's area."),
    outputs.trace("variation", "that of the loss's form", "Price of its roughness."),
    outputs.trace("mask_area", "in [0, 1]", "Share of the picture that is kept."),
)


def rtis_per_image(cfg: PerImage) -> Method:
    """Explains each image by one mask; nothing is learned across images."""
    tx = optax.sgd(cfg.learning_rate, momentum=cfg.momentum, nesterov=True)

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        cells = lengths.cells(cfg.grid, batch.images.shape[1:3])
        channels = jnp.full((len(batch.images), cells, cells, 2), _START)
        objective = _objective(cfg, frozen, batch, key)
        channels, trace = optimise(objective, channels, tx, jnp.arange(cfg.num_steps))
        keep = _mask(channels, batch)
        return Explanation(keep=keep, saliency=keep, target=batch.target, numbers=trace)

    return Method(explain=explain, outputs=_OUTPUTS)


def _mask(channels: Channels, batch: Batch) -> Maps:
    """``|a| / (|a| + |b| + 0.001)``, in [0, 1), upsampled with the corner cells on the corners."""
    own, other = absolute(channels[..., :1]), absolute(channels[..., 1:])
    grid = own / (own + other + _GUARD)
    return image.bounded(image.resize_align_corners(grid, *batch.images.shape[1:3]))


def _objective(cfg: PerImage, frozen: Frozen, batch: Batch, key: PRNGKey):
    """The loss of each image for its channels."""
    classifier, ids = frozen.classifier, batch.image_id
    blurred = alternative.blurred(cfg.alternative, classifier, batch.images)
    labels = None
    if cfg.loss.form is Form.PROBABILITIES:
        labels = jax.nn.one_hot(batch.target, classifier.num_classes(batch.images.shape[1:]))

    def objective(channels, step):
        removed_key, picture_key = jax.random.split(jax.random.fold_in(key, step))
        removed = alternative.drawn(cfg.alternative, classifier, blurred, removed_key, ids)
        images = alternative.noisy(cfg.alternative, classifier, batch.images, picture_key, ids)
        keep = _mask(channels, batch)
        if labels is not None:
            found = terms.by_probabilities(cfg.loss, classifier, keep, images, removed, labels)
        else:
            never = jnp.zeros(len(batch.images))
            found = terms.by_margins(
                cfg.loss, classifier, keep, images, removed, batch.target, never
            )
        return terms.weighted(cfg.loss, found), {**found, "mask_area": masks.area(keep)}

    return objective
