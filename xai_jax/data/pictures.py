"""Photographs of every kind, in folders, as unit pixels of one size."""

import contextlib
import dataclasses
import functools
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from xai_jax.core.errors import BadPicture, StoreError
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import transforms
from xai_jax.runtime.files import place
from xai_jax.runtime.objects import ObjectPath

# The kinds of picture that are opened, by content and whatever the suffix: no other of Pillow's
# decoders sees a file. Some of those start programs (EPS: Ghostscript), or are of no use here.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
_UNREADABLE = (  # where a file says that it is of a kind which Pillow cannot read, and which
    (4, (b"ftypavi",), "AVIF"),
    (4, (b"ftyphe", b"ftypmif", b"ftypmsf"), "HEIC"),
    (0, (b"\xff\x0a", b"\0\0\0\x0cJXL "), "JPEG XL"),
)
MAX_PIXELS = 500_000_000  # a square of 22,000; as much as 2 GB while it is decoded
_HUGE = 50_000_000  # pixels; such pictures are decoded one at a time
_DRAFT = 4  # a JPEG is decoded at a smaller scale if what is taken has so many times the sides
_UPRIGHT = {  # EXIF orientation -> what undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_opening = threading.Lock()
_decoding_huge = threading.Lock()


def read(file: Path | str | bytes, preprocess: Preprocess) -> Float[np.ndarray, "h w 3"]:
    """The upright picture, or the middle of it, resized with antialiasing; float32 unit pixels.

    Grey, CMYK, palette and 16-bit pictures become RGB, what is transparent lies on white, colour
    profiles are ignored, and of several frames the first is taken. Values are multiples of 1/255.

    Raises:
        BadPicture: it is not a picture, is truncated, is too large, or holds no known range.
    """
    with _in_one_sentence(), _opened(place(file) if isinstance(file, str) else file) as image:
        if image.width * image.height > _HUGE:
            with _decoding_huge:
                small = _resized(image, preprocess)
        else:
            small = _resized(image, preprocess)
        small = _upright(small, image)
    return np.asarray(small, np.float32) / 255.0


def whole(file: Path | bytes) -> Image.Image:
    """The whole upright picture, RGB with eight bits a channel, in the size that it has.

    `file` is a path, or the encoded bytes. Grey, transparent and other kinds are treated as `read`
    does it; nothing is decoded at a smaller scale.

    Raises:
        BadPicture: as `read`.
    """
    with _in_one_sentence(), _opened(file) as image:
        plain = _of_eight_bits(image)
        if plain.mode == "RGBA":
            plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain)
        return _upright(plain.convert("RGB"), image)


def class_ids(file: Path | bytes) -> np.ndarray:
    """The numbers ``[h w]`` uint8 of a mask: grey levels, or places in a palette, never colours.

    Raises:
        BadPicture: it cannot be read, or has several channels or more than eight bits.
    """
    with _in_one_sentence(), _opened(file) as image:
        if image.mode not in {"1", "L", "P"}:
            raise BadPicture(
                f"It is no mask (Pillow's mode {image.mode}); a mask is a grey or palette picture "
                "of eight bits whose values number the classes."
            )
        return np.asarray(image).astype(np.uint8)


def upright_size(file: Path | bytes) -> tuple[int, int]:
    """``(width, height)`` from the header alone, as `whole` would return it; decodes nothing.

    Raises:
        BadPicture: it is not a picture, or too large.
    """
    with _in_one_sentence(), _opened(file) as image:
        return (image.height, image.width) if _lies(image) else (image.width, image.height)


def stored_size(file: Path | bytes) -> tuple[int, int]:
    """``(width, height)`` from the header alone, as the file has it: perhaps lying.

    Raises:
        BadPicture: it is not a picture, or too large.
    """
    with _in_one_sentence(), _opened(file) as image:
        return image.size


@contextlib.contextmanager
def _in_one_sentence() -> Iterator[None]:
    try:
        yield
    except (BadPicture, StoreError):
        raise
    except MemoryError:
        raise BadPicture("It does not fit into the memory; make a smaller copy of it.") from None
    except Exception as error:  # a broken file can raise anything in any of Pillow's decoders
        raise BadPicture(f"It cannot be read as a picture: {_reason(error)}.") from error


def _opened(file: Path | bytes) -> Image.Image:
    if isinstance(file, ObjectPath):
        file = file.read_bytes()
    if isinstance(file, Path) and file.exists() and not file.is_file():
        raise BadPicture("It is no regular file.")  # a pipe would be waited for without end
    with _opening:  # Pillow's own guard, a global, stops below the pictures that we can read
        guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            source = io.BytesIO(file) if isinstance(file, bytes) else file
            image = Image.open(source, formats=_formats())
        except UnidentifiedImageError:
            raise BadPicture(_unidentified(file)) from None
        finally:
            Image.MAX_IMAGE_PIXELS = guard
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        image.close()
        raise BadPicture(
            f"It has {size} pixels, more than {MAX_PIXELS:,} in all; make a smaller copy of it."
        )
    return image


def _unidentified(file: Path | bytes) -> str:
    """The sentence for what Pillow cannot read, with the kind that it is of."""
    with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as content:
        head = content.read(16)
    for start, marks, kind in _UNREADABLE:
        if head[start:].startswith(marks) and kind not in _formats():
            return f"It is a picture in {kind}, which is not read here; save it as JPEG or PNG."
    return "It cannot be read as a picture: its content is of no known picture format."


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of `_FORMATS` that this Pillow was built with."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _lies(image: Image.Image) -> bool:
    """Whether the file has the picture on its side."""
    return _orientation(image) >= 5


def _orientation(image: Image.Image) -> int:
    """EXIF's number, 1 for upright where it makes no sense; Pillow turns a TIFF by itself."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # of a damaged block, which says nothing of the pixels
        found = 1
    known = isinstance(found, int) and 1 <= found <= 8
    return found if known and image.format != "TIFF" else 1


def _resized(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    """What is taken of the picture at the wanted size, RGB; as the file has it, perhaps lying."""
    if _lies(image):
        preprocess = dataclasses.replace(
            preprocess, height=preprocess.width, width=preprocess.height
        )
    scale = _DRAFT / (preprocess.crop or 1.0)
    # JPEG only: 20,000 pixels in a 64th of the memory
    image.draft(None, (round(preprocess.width * scale), round(preprocess.height * scale)))
    small = transforms.resized(preprocess, _of_eight_bits(image))
    if small.mode == "RGBA":
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small)
    return small.convert("RGB")


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """The picture in a mode that Pillow resizes well: L, RGB, CMYK or RGBA."""
    if image.mode.startswith("I") or image.mode == "F":
        return _of_sixteen_bits(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image if image.mode != "CMYK" else image.convert("RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _of_sixteen_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError(
            f"its numbers have no known range (Pillow's mode {image.mode}), "
            "unlike those of 8 or 16 bits a channel"
        )
    return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))


def _upright(small: Image.Image, image: Image.Image) -> Image.Image:
    turn = _UPRIGHT.get(_orientation(image))
    return small if turn is None else small.transpose(turn)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
