"""One colour: the mean of the training pictures, or any other."""

import dataclasses

import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Share
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings


def _constant(params, context, keep, keys):
    del keep, keys
    return jnp.broadcast_to(params, context.shape)


@dataclasses.dataclass(slots=True, kw_only=True)
class Mean(Settings):
    """The classifier's mean colour, zero after normalisation ("Mean" in FIDO, sec. 3)."""

    def build(self, classifier: Classifier) -> Infill:
        """The infill; `classifier.mean` is the colour."""
        return Infill(params=classifier.mean, fill_fn=_constant)


@dataclasses.dataclass(slots=True, kw_only=True)
class Constant(Settings):
    """One grey or colour.

    Fields:
        value: unit pixels, one number or one a channel.
    """

    value: Share | tuple[Share, ...] = 0.5

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        del classifier
        return Infill(params=jnp.asarray(self.value, jnp.float32), fill_fn=_constant)
