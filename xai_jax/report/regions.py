"""The legend of a picture's regions: which is which, and all that is said of each."""

import colorsys
from collections.abc import Sequence
from typing import Any

import numpy as np

from xai_jax.core.outputs import LABEL_MAP, REGION
from xai_jax.report import embedded, panels
from xai_jax.report.others import Other
from xai_jax.report.wording import raw

ORDERS = "region_change"  # the number by which the regions stand, the largest first
_GOLDEN = 0.618033988749895  # of the circle of hues, from one region to the next: no two alike
_COLOUR_SHARE = 0.65  # of the drawn map; the rest is the grey picture


def legend(
    image: np.ndarray, others: Sequence[Other], names: Sequence[str]
) -> dict[str, Any] | None:
    """A map of the regions in their colours, and a line for each that the picture has.

    Args:
        image: ``[h w c]``.
        others: of the picture.
        names: of the label map's numbers.

    Returns:
        ``None`` where there is no label map, or its regions have no names.
    """
    labels, there = label_map(others), present(others, names)
    if labels is None or not there:
        return None
    spoken = [other for other in others if is_of_regions(other)]
    order = list(there)
    by = next((other.values for other in spoken if other.output.name == ORDERS), None)
    if by is not None:
        order.sort(key=lambda number: -by[number])
    uri, size = embedded.thumbnail(_drawn(image, labels, len(names)))
    return {
        "image": uri,
        "size": size,
        "heads": [other.words() for other in spoken],
        "rows": [
            {
                "name": there[number],
                "colour": "#" + bytes(_colour(number)).hex(),
                "values": [raw(float(other.values[number])) for other in spoken],
            }
            for number in order
        ],
    }


def label_map(others: Sequence[Other]) -> np.ndarray | None:
    """``[h w]``, the number of each pixel's region; ``None`` where there is none."""
    found = (other for other in others if other.output.name == LABEL_MAP.name)
    return next((other.values[..., 0] for other in found), None)


def present(others: Sequence[Other], names: Sequence[str]) -> dict[int, str]:
    """Names of the regions that the picture has, by number; empty where they are not known."""
    labels = label_map(others)
    if labels is None or not names:
        return {}
    return {number: names[number] for number in np.unique(labels).tolist()}


def is_told(other: Other) -> bool:
    """Whether the legend says it."""
    return is_of_regions(other) or other.output.name == LABEL_MAP.name


def is_of_regions(other: Other) -> bool:
    """Whether it is one number a region."""
    return other.output.kind == "number" and other.output.axes == (REGION,)


def _drawn(image: np.ndarray, labels: np.ndarray, num: int) -> np.ndarray:
    colours = np.array([_colour(number) for number in range(num)], np.float32)
    grey = panels.picture(image).mean(axis=-1, keepdims=True)
    blended = _COLOUR_SHARE * colours[labels] + (1 - _COLOUR_SHARE) * grey
    return np.round(blended).astype(np.uint8)


def _colour(number: int) -> tuple[int, int, int]:
    """Of a region, the same on every page."""
    share = colorsys.hsv_to_rgb((0.58 + number * _GOLDEN) % 1.0, 0.75, 0.9)
    return tuple(round(255 * x) for x in share)  # type: ignore[return-value]
