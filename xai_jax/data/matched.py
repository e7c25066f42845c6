"""As many pictures with a class as without it, alike in two numbers that tell the class too well.

Tumours, say, are seen in the middle slices of a scan, where the brain is large: whoever looks at
the size of the brain alone is right more often than not.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from xai_jax.core.settings import Settings
from xai_jax.data.example import Examples, examples_of, picture_of
from xai_jax.data.part import Part, showing

CELLS = 10  # of the table of the two numbers, along each side

Numbers = Float[np.ndarray, "n 2"]
ReadNumbers = Callable[[str, np.ndarray], tuple[float, float]]


@dataclasses.dataclass(slots=True, kw_only=True)
class Matched(Settings):
    """Those rows of a source that `in_pairs` leaves; every picture is read once for that.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        numbers: of a picture's name and its unit pixels ``[h w 3]``, at its own size, the two
            numbers.
        of: the class, by its name; empty: the first one.
    """

    source: Any
    numbers: ReadNumbers
    of: str = ""

    def build(self) -> Part:
        """The rows, in the order of the source.

        Raises:
            ValueError: there is no such class, or no two pictures are alike.
        """
        whole = examples_of(self.source)
        name, has = showing(whole, self.of)
        chosen = in_pairs(self._read(whole), has)
        if not len(chosen):
            raise ValueError(
                f"No picture with {name!r} is like one without it; choose other numbers."
            )
        return Part(whole=whole, rows=tuple(map(int, chosen)))

    def _read(self, whole: Examples) -> Numbers:
        found = []
        for row, name in enumerate(whole.names):
            pixels = np.asarray(picture_of(whole[row]), np.float32) / 255.0
            found.append(self.numbers(name, pixels))
        return np.array(found, np.float64)


def in_pairs(numbers: Numbers, has: Bool[np.ndarray, " n"]) -> Int[np.ndarray, " _"]:
    """The rows, ascending, of as many pictures of both kinds in each cell of a 10 x 10 table.

    The borders of the cells are the deciles of each number. Where a cell has more of one kind, an
    even spread of them stays.

    Args:
        numbers: two a picture.
        has: whether it shows the class.
    """
    cells = cells_of(borders_of(numbers), numbers)
    chosen = []
    for cell in np.unique(cells):
        kinds = [np.flatnonzero((cells == cell) & (has == kind)) for kind in (False, True)]
        num = min(map(len, kinds))
        chosen += [rows[np.arange(num) * len(rows) // max(num, 1)] for rows in kinds]
    return np.sort(np.concatenate(chosen))


def borders_of(numbers: Numbers) -> Float[np.ndarray, "9 2"]:
    """The deciles of each number."""
    return np.quantile(numbers, np.arange(1, CELLS) / CELLS, axis=0)


def cells_of(borders: Float[np.ndarray, "9 2"], numbers: Numbers) -> Int[np.ndarray, " n"]:
    """The cell of each picture, 0 to 99."""
    places = [np.digitize(numbers[:, n], borders[:, n]) for n in range(2)]
    return places[0] * CELLS + places[1]
