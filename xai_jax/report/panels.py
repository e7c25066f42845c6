"""A picture, its saliency and its two parts as uint8 arrays, for reports and notebooks.

Images are ``[h w 3]`` (or one channel, or ``[h w]``), uint8 or unit pixels in [0, 1]. Maps are
``[h w]`` or ``[h w 1]``. Whatever is not a finite number is shown hatched: a broken map is seen at
once, and never raises.
"""

import functools
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from xai_jax.core.areas import AREAS, num_kept

AnyPixels = np.ndarray | jax.Array

# Ten equally spaced stops of Inferno (S. van der Walt and N. Smith, public domain), whose
# lightness rises evenly.
_INFERNO = np.array(
    [
        [0, 0, 4],
        [27, 12, 65],
        [74, 12, 107],
        [120, 28, 109],
        [165, 44, 96],
        [207, 68, 70],
        [237, 105, 37],
        [251, 155, 6],
        [247, 209, 61],
        [252, 255, 164],
    ],
    np.float32,
)
# Of blue, light grey and red: equally dark at both ends, and without a colour in the middle.
_BLUE_TO_RED = np.array([[20, 90, 190], [225, 225, 225], [180, 40, 20]], np.float32)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
_COLOUR_SHARE = 0.55  # of the overlay; the rest is the grey picture, enough to see where one is
_SQUARES = 20  # of the checkerboard, along the longer side
_CHECKERBOARD = (0.79, 0.75)  # two light greys: neither of them is a colour of the picture
_HATCHING = (0.56, 0.64)


def colour_map(values: AnyPixels) -> np.ndarray:
    """Inferno: [0, 1] -> uint8 ``[... 3]``, dark to light; clipped, and mid-grey for NaN."""
    return _between(_INFERNO, values)


def signed_colour_map(values: AnyPixels) -> np.ndarray:
    """Blue to red: [-1, 1] -> uint8 ``[... 3]``, 0 light grey; clipped, and mid-grey for NaN."""
    return _between(_BLUE_TO_RED, 0.5 * (1 + np.asarray(values, np.float32)))


def _between(colours: np.ndarray, values: AnyPixels) -> np.ndarray:
    """[0, 1] -> uint8 ``[... 3]``, linear between equally spaced colours ``[n 3]``."""
    values = np.asarray(values, np.float32)
    place = np.clip(np.nan_to_num(values), 0, 1) * (len(colours) - 1)
    stops = np.arange(len(colours))
    found = np.stack([np.interp(place, stops, channel) for channel in colours.T], axis=-1)
    found[np.isnan(values)] = 128
    return np.round(found).astype(np.uint8)


def display_range(saliency: AnyPixels) -> tuple[float, float] | None:
    """Raw values at the two ends of the colour scale; ``None`` for a map with nothing to show.

    Nothing can be shown of a map that is flat or has no finite value.
    """
    saliency = np.asarray(saliency)
    finite = saliency[np.isfinite(saliency)]
    if finite.size == 0 or finite.min() == finite.max():
        return None
    return float(finite.min()), float(finite.max())


def signed_range(values: AnyPixels) -> tuple[float, float] | None:
    """Raw values at the two ends of the signed colour scale, 0 in its middle.

    ``None`` for a map that is 0 everywhere or has no finite value.
    """
    values = np.asarray(values)
    most = np.abs(values[np.isfinite(values)]).max(initial=0)
    return (-float(most), float(most)) if most else None


def picture(image: AnyPixels) -> np.ndarray:
    """The picture as it is, hatched where it is no number, uint8 ``[h w 3]``."""
    pixels = _unit_pixels(image)
    finite = np.isfinite(np.asarray(image)).reshape(*pixels.shape[:2], -1).all(axis=-1)
    return _to_uint8(_hatched_where_broken(pixels, np.where(finite, 0, np.nan), pixels))


def overlay(image: AnyPixels, saliency: AnyPixels) -> np.ndarray:
    """The saliency in colour over the picture in grey, uint8 ``[h w 3]``.

    The map is stretched to its own extremes (`display_range`), for display only: colours of two
    pictures do not compare. A map with nothing to show comes out hatched.

    Raises:
        ValueError: the map is not of the picture's size.
    """
    saliency, extremes = _map(saliency, image), display_range(saliency)
    if extremes is None:
        return _to_uint8(_hatching(_unit_pixels(image)))
    low, high = extremes
    return _blended(image, saliency, colour_map((saliency - low) / (high - low)))


def signed_overlay(image: AnyPixels, values: AnyPixels) -> np.ndarray:
    """A signed map in colour over the picture in grey, uint8 ``[h w 3]``.

    Blue below 0, red above, and the same light grey at 0 whatever the map; the colours reach the
    largest absolute value (`signed_range`). A map with nothing to show comes out hatched.

    Raises:
        ValueError: the map is not of the picture's size.
    """
    values, extremes = _map(values, image), signed_range(values)
    if extremes is None:
        return _to_uint8(_hatching(_unit_pixels(image)))
    return _blended(image, values, signed_colour_map(values / extremes[1]))


def _blended(image: AnyPixels, values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """uint8 colours ``[h w 3]`` over the picture in grey, hatched where `values` are no number."""
    pixels = _unit_pixels(image)
    grey = (pixels @ _LUMINANCE)[..., None]
    blended = _COLOUR_SHARE * (colours / np.float32(255)) + (1 - _COLOUR_SHARE) * grey
    return _to_uint8(_hatched_where_broken(blended, values, pixels))


def kept(image: AnyPixels, keep: AnyPixels) -> np.ndarray:
    """The picture where `keep` is 1 and a grey checkerboard where it is 0, uint8 ``[h w 3]``.

    The checkerboard stands for "removed": it is not the infill that the classifier saw there.

    Raises:
        ValueError: the map is not of the picture's size.
    """
    pixels, keep = _unit_pixels(image), _map(keep, image)
    share = np.clip(np.nan_to_num(keep), 0, 1)[..., None]
    shown = share * pixels + (1 - share) * _checkerboard(*pixels.shape[:2])
    return _to_uint8(_hatched_where_broken(shown, keep, pixels))


def removed(image: AnyPixels, keep: AnyPixels) -> np.ndarray:
    """The complement of `kept`: the picture where `keep` is 0, uint8 ``[h w 3]``.

    Raises:
        ValueError: the map is not of the picture's size.
    """
    return kept(image, 1 - np.asarray(keep, np.float32))


def contact_sheet(
    image: AnyPixels,
    keep: AnyPixels | None,
    saliency: AnyPixels,
    pictures: Sequence[AnyPixels] = (),
) -> np.ndarray:
    """Picture, saliency overlay, kept part and removed part in one row, uint8 ``[h+2m 4w+5m 3]``.

    Without `keep` the row has the first two alone. Pictures that a method has made, of the same
    size, stand between these. The white margin m is a fiftieth of the longer side, at least 2
    pixels.

    Raises:
        ValueError: a map is not of the picture's size.
    """
    row = [picture(image), *map(picture, pictures), overlay(image, saliency)]
    if keep is not None:
        row += [kept(image, keep), removed(image, keep)]
    height, width = row[0].shape[:2]
    margin = max(max(height, width) // 50, 2)
    shape = (height + 2 * margin, len(row) * (width + margin) + margin, 3)
    sheet = np.full(shape, 255, np.uint8)
    for i, panel in enumerate(row):
        left = margin + i * (width + margin)
        sheet[margin : margin + height, left : left + width] = panel
    return sheet


def of_row(pictures: Mapping[str, AnyPixels], row: int) -> dict[str, AnyPixels]:
    """Of each picture the pictures ``{name: [h w c]}`` that a method has made, one of a kind.

    Args:
        pictures: ``Explanation.pictures``; of those with another axis, a picture a region say, none
            is drawn.
        row: of the batch.
    """
    return {name: pixels[row] for name, pixels in pictures.items() if np.ndim(pixels) == 4}


def levels(saliency: AnyPixels) -> np.ndarray:
    """Index of the first of `core.areas.AREAS` that contains each pixel, uint8 ``[h w]``.

    ``levels(saliency) <= n`` keeps exactly ``num_kept(AREAS[n], h * w)`` pixels, those that the
    curves were scored with: the most salient, ties going to the upper, then the left pixel.
    """
    saliency = np.asarray(saliency)
    flat = saliency.reshape(-1)  # [hw]
    counts = [num_kept(share, flat.size) for share in AREAS]
    place = np.empty(flat.size, np.uint8)
    order = np.argsort(-flat, kind="stable")
    place[order] = np.repeat(np.arange(len(AREAS), dtype=np.uint8), np.diff(counts, prepend=0))
    return place.reshape(saliency.shape[:2])


def _unit_pixels(image: AnyPixels) -> np.ndarray:
    """``[h w 3]`` float32 in [0, 1]."""
    pixels = np.asarray(image)
    if pixels.dtype == np.uint8:
        pixels = pixels * np.float32(1 / 255)
    else:
        pixels = np.clip(np.nan_to_num(pixels.astype(np.float32)), 0, 1)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
        raise ValueError(
            f"The image must be [h w], [h w 1] or [h w 3], not {list(np.shape(image))}; "
            "hand in one picture of a batch, images[0] say."
        )
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _map(values: AnyPixels, image: AnyPixels) -> np.ndarray:
    """``[h w]`` float32, of the size of the image."""
    values = np.asarray(values, np.float32)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    size = np.shape(image)[:2]
    if values.shape != size:
        raise ValueError(
            f"The map is {list(values.shape)}, but the image {list(size)}; "
            "resize the image to the map's size first."
        )
    return values


@functools.lru_cache(maxsize=4)
def _checkerboard(height: int, width: int) -> np.ndarray:
    side = max(max(height, width) // _SQUARES, 1)
    y, x = np.mgrid[:height, :width] // side
    return np.choose((x + y) % 2, _CHECKERBOARD).astype(np.float32)[..., None]


def _hatched_where_broken(shown: np.ndarray, values: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """`shown`, but hatched where `values` are no finite numbers."""
    finite = np.isfinite(values)
    return shown if finite.all() else np.where(finite[..., None], shown, _hatching(pixels))


def _hatching(pixels: np.ndarray) -> np.ndarray:
    """Diagonal grey stripes with a hint of the picture: "there is nothing to show here"."""
    height, width = pixels.shape[:2]
    period = max(max(height, width) // 14, 2)
    y, x = np.mgrid[:height, :width]
    stripes = np.choose(((x + y) % period) * 2 // period, _HATCHING).astype(np.float32)
    return (0.8 * stripes + 0.2 * (pixels @ _LUMINANCE))[..., None] * np.ones(3, np.float32)


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
