"""What a paper gives in pixels of its pictures of 224, for pictures of any other size.

Settings leave such a number ``None`` and name the published one; a number is taken as it is. Where
the short side is 224 (for prices: where there are 224 x 224 pixels) the published one is exact.
"""

import math

PUBLISHED_SIDE = 224

Size = tuple[int, ...]  # height and width, pixels
Number = int | float


def length(given: Number | None, published: Number, size: Size) -> Number:
    """Pixels: `given`, or else `published` in proportion to the short side."""
    return published * (min(size) / PUBLISHED_SIDE) if given is None else given


def whole(given: int | None, published: int, size: Size, *, least: int = 1) -> int:
    """As `length`, to the nearest whole number that is at least `least`."""
    return max(least, int(length(None, published, size) + 0.5)) if given is None else given


def odd(given: int | None, published: int, size: Size) -> int:
    """As `length`, an odd number of at least 3; `published` is odd."""
    return max(3, 2 * int(length(None, published, size) / 2) + 1) if given is None else given


def price(given: Number | None, published: Number, size: Size) -> Number:
    """Of a pixel: `given`, or else what makes the whole picture cost as much as a published one."""
    return published * (PUBLISHED_SIDE**2 / math.prod(size)) if given is None else given


def cells(side: int, size: Size) -> int:
    """Side of a grid that is stretched over the picture: `side`, at most a cell a pixel.

    A finer one has cells that no pixel sees.
    """
    return min(side, *size)
