"""How a photograph becomes the array that a network eats, as plain settings."""

import dataclasses
from typing import Literal

from xai_jax.core.domains import Count, Share
from xai_jax.core.settings import Settings


@dataclasses.dataclass(slots=True, kw_only=True)
class Preprocess(Settings):
    """A picture, or the middle of it, resized as Pillow does it (antialiased).

    Fields:
        height, width: of the result, in pixels.
        crop: 0: the whole picture, its sides not in proportion (NN-Explainer). Else the share, in
            (0, 1], that is taken of the largest centred part with the sides of the result, on whole
            pixels (`data.transforms.box`); 0.875 of a square is ImageNet's 256 and 224.
        resample: Pillow's filter.
    """

    height: Count = 224
    width: Count = 224
    crop: Share = 0.0
    resample: Literal["bilinear", "bicubic"] = "bilinear"
