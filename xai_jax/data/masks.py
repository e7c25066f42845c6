"""What people drew on a picture, at the size of the batch: numbers, or shares of pixels."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Integer

from xai_jax.core.preprocess import Preprocess
from xai_jax.data import transforms
from xai_jax.data.example import BACKGROUND, MAX_CLASSES, VOID, Example

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


def label_map(
    resize: Preprocess, numbers: Numbers, void_region: int | None
) -> Integer[np.ndarray, "h w"]:
    """The number of each pixel's region, int32, at the size of the batch; the nearest pixel's.

    Args:
        resize: what is taken of the picture, and at which size.
        numbers: as they were read.
        void_region: the region that 255, void, is; ``None``: 255 stays.
    """
    found = transforms.ids(resize, numbers).astype(np.int32)
    return found if void_region is None else np.where(found == VOID, np.int32(void_region), found)


def check(form: Masks, num_classes: int, *, void_is_object: bool) -> None:
    """Refuses masks that the classes do not fit into, or of which void is no part.

    Raises:
        ValueError: with the setting to change.
    """
    if form == "ids" and num_classes > MAX_CLASSES:
        raise ValueError(
            f"{num_classes} classes do not fit into eight bits; ask for masks='union'."
        )
    if void_is_object and form != "union":
        raise ValueError(
            f"void_is_object does not go with masks={form!r}, since void is of no single class; "
            "set masks='union', or leave it off."
        )


def _soft(resize: Preprocess, ids: Numbers, num_classes: int) -> Shares:
    """The share that each class covers of each pixel."""
    shares = np.zeros((resize.height, resize.width, num_classes), np.float32)
    for number in np.unique(ids):
        if number != BACKGROUND:
            shares[..., number - 1] = transforms.share(resize, ids == number)
    return shares
