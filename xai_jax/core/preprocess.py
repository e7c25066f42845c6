"""How a photograph becomes the square that a classifier eats, as plain settings."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preprocess:
    """The centre square of a picture, resized as Pillow does it (antialiased).

    Fields:
        size: side of the result in pixels.
        crop: share of the short side that the centre square spans, in (0, 1].
        resample: Pillow's filter.
    """

    size: int = 224
    crop: float = 0.875
    resample: Literal["bilinear", "bicubic"] = "bilinear"
