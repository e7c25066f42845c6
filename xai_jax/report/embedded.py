"""Pictures inside the page: as data URIs, whole or as thumbnails."""

import base64
import io

import numpy as np
from PIL import Image

_SMALL = 100  # pixels: below it pictures stay lossless, and are drawn in squares
_EFFORT = 1  # of 6: a seventh more bytes than at WebP's usual 4, in less than half of the time
_THUMBNAIL = 160  # pixels of its longer side


def is_small(pixels: np.ndarray) -> bool:
    """Whether a picture ``[h w …]`` has so few pixels that each of them is to be seen."""
    return max(pixels.shape[:2]) < _SMALL


def data_uri(pixels: np.ndarray, *, lossless: bool = False, quality: int = 75) -> str:
    """WebP, or PNG where every value counts, of uint8 ``[h w]`` or ``[h w 3]``."""
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    if lossless or is_small(pixels):
        picture.save(buffer, "PNG", compress_level=2)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    picture.save(buffer, "WEBP", quality=quality, method=_EFFORT)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnail(pixels: np.ndarray) -> tuple[str, tuple[int, int]]:
    """A small copy of uint8 ``[h w 3]`` as a data URI, and its width and height."""
    height, width = pixels.shape[:2]
    share = min(1.0, _THUMBNAIL / max(height, width))
    size = max(round(share * width), 1), max(round(share * height), 1)
    if share < 1:
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
    return data_uri(pixels), size
