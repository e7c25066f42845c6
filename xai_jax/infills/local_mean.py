"""The mean colour of the kept pixels nearby."""

import dataclasses
import functools
from typing import Annotated

import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Interval, Odd
from xai_jax.core.image import box_sum
from xai_jax.core.infill import Infill
from xai_jax.core.lengths import odd
from xai_jax.core.settings import Settings

_SIDE = 15  # pixels of 224


def _fill(params, context, keep, keys, *, side: int | None):
    del keys
    window = odd(side, _SIDE, context.shape[1:3])
    sums = box_sum(jnp.concatenate([keep * context, keep], axis=-1), window)
    colours, count = sums[..., :-1], sums[..., -1:]
    # The count is a whole number but for rounding.
    return jnp.where(count > 0.5, colours / jnp.maximum(count, 0.5), params)


@functools.cache
def _fill_with(side: int | None):
    return functools.partial(_fill, side=side)  # one object a side: a new one would compile anew


@dataclasses.dataclass(slots=True, kw_only=True)
class LocalMean(Settings):
    """Mean of the kept pixels in a square around each ("Local" in FIDO, sec. 3).

    Where the square holds no kept pixel, the classifier's mean colour stands (0 when normalised).

    Fields:
        side: of the square in pixels, odd. ``None``: FIDO's, 15 where the short side is 224, and in
            proportion elsewhere, at least 3.
    """

    side: Annotated[int, Interval(1), Odd()] | None = None

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill_with(self.side))
