"""Where the cells of the grid of Extremal Perturbations lie, and which pixels see them."""

import dataclasses
import math

import numpy as np
from jaxtyping import Array, Float

SHARPNESS = 20.0  # of the smooth maximum


@dataclasses.dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where the cells of the grid lie. Sizes are (rows, columns).

    Fields:
        image: pixels of the picture.
        step: pixels between two cells; cell (0, 0) lies on the picture's pixel (0, 0).
        sigma: reach of a cell in pixels.
    """

    image: tuple[int, int]
    step: int
    sigma: float

    def __post_init__(self):
        """Refuses a reach that leaves a part of the picture without cells."""
        for pixels, full in zip(self.image, self.full, strict=True):
            if full < self.margin + pixels:
                raise ValueError(
                    f"sigma {self.sigma:g} and step {self.step} leave a part of a picture of "
                    f"{pixels} pixels uncovered; choose sigma = {3 * self.step} with this step."
                )

    def near(self, pixels: np.ndarray) -> np.ndarray:
        """``k(d)`` of cells at distances ``d``, float32."""
        near = np.exp(-2.0 * np.maximum(pixels / self.sigma - 0.5, 0.0) ** 2)
        return near.astype(np.float32)

    @property
    def grid(self) -> tuple[int, int]:
        """Cells, which cover the picture."""
        return tuple(math.ceil(n / self.step) for n in self.image)  # type: ignore[return-value]

    @property
    def margin(self) -> int:
        """Pixels of the full mask above the picture, and as many to its left."""
        return math.ceil(self.sigma)

    @property
    def padding(self) -> int:
        """Cells of value 0 around the grid."""
        return math.ceil((self.margin + self.sigma) / self.step) + 1

    @property
    def window(self) -> int:
        """Cells, along each axis, that a pixel sees."""
        return 2 * (math.ceil(self.sigma / self.step) + 1) + 1

    @property
    def blocks(self) -> tuple[int, int]:
        """Blocks of ``step x step`` pixels."""
        return tuple(n + 2 * self.padding - self.window + 1 for n in self.grid)  # type: ignore[return-value]

    @property
    def full(self) -> tuple[int, int]:
        """Pixels of the full mask: margin, picture, and what lies below and to its right."""
        return tuple(self.step * (n - 1) + 1 for n in self.blocks)  # type: ignore[return-value]


def in_picture(full: Float[Array, "b a y x 1"], geometry: Geometry) -> Float[Array, "b a h w 1"]:
    """The part of the full mask that lies on the picture."""
    height, width = geometry.image
    rows = slice(geometry.margin, geometry.margin + height)
    return full[:, :, rows, geometry.margin : geometry.margin + width]
