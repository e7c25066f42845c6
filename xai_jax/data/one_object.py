"""Masks of a single class as most programs write them: 0 and 255, or 0 and 128."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.data import pictures
from xai_jax.data.example import BACKGROUND, VOID


def object_number(masks: Iterable[Path], own: int) -> int | None:
    """The number that stands for the object in masks which never use the one of its class.

    Reading ends at the first mask that uses it, or has several numbers.

    Args:
        masks: of the pictures that show the class.
        own: the number of the class.

    Returns:
        The one number besides 0 and 255, or else 255; ``None``: there are several, or `own` is
        among them, or none.
    """
    found: set[int] = set()
    for mask in masks:
        try:
            found |= set(np.unique(pictures.class_ids(mask)).tolist())
        except BadPicture:
            continue  # which whoever reads the mask is told
        if own in found or len(found - {BACKGROUND, VOID}) > 1:
            return None
    return min(found - {BACKGROUND}, default=None)
