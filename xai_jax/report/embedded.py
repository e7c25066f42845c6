"""Pictures for the page: as data URIs, whole or as thumbnails."""

import base64
import io

import numpy as np
from PIL import Image

_SMALL = 100  # pixels: below it pictures stay lossless, and are drawn in squares
_EFFORT = 1  # of 6: a seventh more bytes than at WebP's usual 4, in less than half of the time
THUMBNAIL = 160  # pixels of its longer side


def is_small(pixels: np.ndarray) -> bool:
    """Whether a picture ``[h w …]`` has so few pixels that each of them is to be seen."""
    return max(pixels.shape[:2]) < _SMALL


def encoded(pixels: np.ndarray, *, lossless: bool = False, quality: int = 75) -> tuple[str, bytes]:
    """A file of uint8 ``[h w]`` or ``[h w 3]``.

    Returns:
        "webp", or "png" where every value counts, and the content.
    """
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    if lossless or is_small(pixels):
        picture.save(buffer, "PNG", compress_level=2)
        return "png", buffer.getvalue()
    picture.save(buffer, "WEBP", quality=quality, method=_EFFORT)
    return "webp", buffer.getvalue()


def data_uri(pixels: np.ndarray, *, lossless: bool = False, quality: int = 75) -> str:
    """As `encoded`, to stand in a page."""
    kind, content = encoded(pixels, lossless=lossless, quality=quality)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def shrunk(pixels: np.ndarray, most: int) -> np.ndarray:
    """uint8 ``[h w 3]`` whose longer side is at most so many pixels."""
    height, width = pixels.shape[:2]
    share = min(1.0, most / max(height, width))
    if share == 1:
        return pixels
    size = max(round(share * width), 1), max(round(share * height), 1)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def thumbnail(pixels: np.ndarray) -> tuple[str, tuple[int, int]]:
    """A small copy of uint8 ``[h w 3]`` as a data URI, and its width and height."""
    small = shrunk(pixels, THUMBNAIL)
    return data_uri(small), (small.shape[1], small.shape[0])
