"""What people drew on a picture, at the size of the batch: numbers, or shares of pixels."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Integer

from xai_jax.core.preprocess import Preprocess
from xai_jax.data import transforms
from xai_jax.data.example import BACKGROUND, VOID, Example

Masks = Literal["none", "ids", "soft", "union"]
Numbers = Integer[np.ndarray, "y x"]
Shares = Float[np.ndarray, "h w n"]

_LEAST = 1e-6  # share of a pixel; less of it is rounding


def of_batch(
    resize: Preprocess, form: Masks, example: Example, ids: Numbers, *, void_is_object: bool
) -> dict[str, np.ndarray]:
    """The fields `masks` and `counted` of a Batch for one picture; the latter not for numbers.

    Args:
        resize: what is taken of the picture, and at which size.
        form: see `Pipeline.masks`.
        example: the picture's labels, and whether it has a mask.
        ids: what `example.classes_of` found, perhaps turned with the picture.
        void_is_object: see `Pipeline.void_is_object`.
    """
    if form == "ids":
        return {"masks": transforms.ids(resize, ids).astype(np.uint8)}
    # Boxes leave nothing open, and number more classes than a map can.
    is_void = (ids == VOID) & (example.mask is not None)
    true = np.isin(ids, 1 + np.flatnonzero(example.labels)) & ~is_void
    if void_is_object:
        touched = transforms.share(resize, true | is_void)[..., None] > _LEAST
        return {"masks": touched.astype(np.float32)}
    if form == "union":
        covered = transforms.share(resize, true)[..., None]
    else:
        covered = _soft(resize, np.where(is_void, BACKGROUND, ids), len(example.labels))
    if not is_void.any():
        return {"masks": covered, "counted": np.ones_like(covered[..., :1])}
    counted = 1.0 - transforms.share(resize, is_void)[..., None]
    counted[counted < _LEAST] = 0.0
    known = np.divide(covered, counted, out=np.zeros_like(covered), where=counted > 0)
    return {"masks": np.minimum(known, 1.0), "counted": counted}


def _soft(resize: Preprocess, ids: Numbers, num_classes: int) -> Shares:
    """The share that each class covers of each pixel."""
    shares = np.zeros((resize.height, resize.width, num_classes), np.float32)
    for number in np.unique(ids):
        if number != BACKGROUND:
            shares[..., number - 1] = transforms.share(resize, ids == number)
    return shares
