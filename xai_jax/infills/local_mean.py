"""The mean colour of the kept pixels nearby."""

import dataclasses
import functools
from typing import Annotated

import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Interval, Odd
from xai_jax.core.image import box_sum
from xai_jax.core.infill import Infill
from xai_jax.core.settings import Settings


def _fill(params, context, keep, keys, *, side: int):
    del keys
    sums = box_sum(jnp.concatenate([keep * context, keep], axis=-1), side)
    colours, count = sums[..., :-1], sums[..., -1:]
    # The count is a whole number but for rounding.
    return jnp.where(count > 0.5, colours / jnp.maximum(count, 0.5), params)


@functools.cache
def _fill_with(side: int):
    return functools.partial(_fill, side=side)  # one object a side: a new one would compile anew


@dataclasses.dataclass(slots=True, kw_only=True)
class LocalMean(Settings):
    """Mean of the kept pixels in a square around each ("Local" in FIDO, sec. 3).

    Where the square holds no kept pixel, the classifier's mean colour stands (0 when normalised).

    Fields:
        side: of the square in pixels, odd.
    """

    side: Annotated[int, Interval(1), Odd()] = 15

    def build(self, classifier: Classifier) -> Infill:
        """The infill."""
        return Infill(params=classifier.mean, fill_fn=_fill_with(self.side))
