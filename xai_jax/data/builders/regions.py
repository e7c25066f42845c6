"""COCO's two ways to write a region, polygons and run lengths, as masks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

Mask = Bool[np.ndarray, "h w"]


def mask(segmentation: Any, height: int, width: int) -> Mask:
    """The mask of an annotation's field ``segmentation``.

    Args:
        segmentation: a list of polygons ``[x0, y0, x1, y1, ...]`` in pixels, or ``{"counts"}``: run
            lengths down the columns, plain or packed into text.
        height: of the picture.
        width: of the picture.

    Raises:
        ValueError: run lengths that do not fill the picture.
    """
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        return from_runs(unpacked(counts) if isinstance(counts, str) else counts, height, width)
    covered = np.zeros((height, width), bool)
    for polygon in segmentation:
        covered |= from_polygon(polygon, height, width)
    return covered


def from_polygon(polygon: Sequence[int | float], height: int, width: int) -> Mask:
    """The pixels whose centres are inside, by the even-odd rule; pixel (0, 0) has (0.5, 0.5)."""
    x0, y0 = np.asarray(polygon, np.float64).reshape(-1, 2).T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    crossed = np.zeros((height, width + 1), bool)
    for row in range(max(0, int(y0.min())), min(height, int(np.ceil(y0.max())) + 1)):
        y = row + 0.5
        edges = (y0 <= y) != (y1 <= y)
        x = x0[edges] + (y - y0[edges]) / (y1 - y0)[edges] * (x1 - x0)[edges]
        first = np.clip(np.ceil(x - 0.5), 0, width).astype(int)  # the first centre to the right
        np.logical_xor.at(crossed[row], first, True)
    return np.logical_xor.accumulate(crossed, axis=1)[:, :width]


def from_runs(counts: Sequence[int], height: int, width: int) -> Mask:
    """Run lengths of 0, 1, 0, 1, ... down the first column, then down the second, and so on.

    Raises:
        ValueError: they do not add up to the number of pixels.
    """
    if sum(counts) != height * width:
        raise ValueError(
            f"Run lengths of {sum(counts)} pixels for a picture of {width} x {height}; "
            "the annotations belong to another picture."
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def runs(covered: Mask) -> list[int]:
    """What `from_runs` takes back."""
    flat = np.concatenate([[False], covered.T.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(n) for n in np.diff(np.concatenate([[0], edges, [covered.size]]))]


def unpacked(text: str) -> list[int]:
    """Run lengths from COCO's packed text.

    Each number is written in groups of five bits, the lowest first, one character (48 + group)
    each; the sixth bit says that more follow, the highest of the five of the last one is the sign.
    From the fourth number on, what is written is the difference from the number two before.
    """
    counts: list[int] = []
    number = shift = 0
    for character in text:
        group = ord(character) - 48
        number |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            number -= 1 << shift
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number = shift = 0
    return counts
