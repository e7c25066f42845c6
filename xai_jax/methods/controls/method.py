"""Controls: random numbers, a blob in the middle, the edges of the picture, all but its dark.

None asks the classifier anything, so whatever one of them scores is no merit of an explanation.
Edges: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, sec. 5.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.domains import Positive, Share, Side
from xai_jax.core.image import resize, separable
from xai_jax.core.method import Frozen, Method
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Explanation, Images, PRNGKey

_SMOOTH, _SLOPE = (1.0, 2.0, 1.0), (-1.0, 0.0, 1.0)  # Sobel


@dataclasses.dataclass(slots=True, kw_only=True)
class Random(Settings):
    """Settings of random maps.

    Attributes:
        grid: side of the grid of uniform numbers, which is stretched to the picture bilinearly;
            ``None``: a number a pixel.
    """

    grid: Side | None = None

    @classmethod
    def smoke(cls) -> "Random":
        """The default."""
        return cls()

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights, frozen
            size = batch.images.shape[1:3]
            shape = (*size, 1) if self.grid is None else (self.grid, self.grid, 1)
            keys = example_keys(key, batch.image_id)
            drawn = jax.vmap(lambda one: jax.random.uniform(one, shape))(keys)
            saliency = drawn if self.grid is None else resize(drawn, *size)
            return Explanation(target=batch.target, saliency=saliency)

        return Method(explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class CentredBlob(Settings):
    """Settings of a Gaussian in the middle of every picture.

    Attributes:
        width: its standard deviation, as a share of each side.
    """

    width: Positive = 0.25

    @classmethod
    def smoke(cls) -> "CentredBlob":
        """The default."""
        return cls()

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights, frozen, key
            num, height, width, _ = batch.images.shape
            blob = np.multiply.outer(_bell(height, self.width), _bell(width, self.width))
            saliency = jnp.broadcast_to(
                jnp.asarray(blob, jnp.float32)[None, :, :, None], (num, height, width, 1)
            )
            return Explanation(target=batch.target, saliency=saliency)

        return Method(explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class Edges(Settings):
    """Settings of the edges of the picture; there are none."""

    @classmethod
    def smoke(cls) -> "Edges":
        """The default."""
        return cls()

    def build(self) -> Method:
        """The method."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights, frozen, key
            grey = batch.images.mean(axis=3, keepdims=True)
            down, across = _correlated(grey, _SLOPE, _SMOOTH), _correlated(grey, _SMOOTH, _SLOPE)
            return Explanation(target=batch.target, saliency=jnp.hypot(down, across))

        return Method(explain=explain)


@dataclasses.dataclass(slots=True, kw_only=True)
class NotDark(Settings):
    """Settings of all that is not dark: the brain of a scan, say.

    Attributes:
        threshold: unit pixels, of the mean of the channels; the map is 1 above it and else 0.
    """

    threshold: Share = 0.1

    @classmethod
    def smoke(cls) -> "NotDark":
        """The default."""
        return cls()

    def build(self) -> Method:
        """The method with these settings."""

        def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            del weights, frozen, key
            grey = batch.images.mean(axis=3, keepdims=True)
            saliency = (grey > self.threshold).astype(jnp.float32)
            return Explanation(target=batch.target, saliency=saliency)

        return Method(explain=explain)


def _bell(pixels: int, width: float) -> np.ndarray:
    place = (np.arange(pixels) + 0.5) / pixels - 0.5
    return np.exp(-0.5 * (place / width) ** 2)


def _correlated(images: Images, rows: tuple[float, ...], columns: tuple[float, ...]) -> Images:
    """Correlation with ``rows x columns``, the border repeated outwards."""
    return separable(images, _matrix(images.shape[1], rows), _matrix(images.shape[2], columns))


def _matrix(pixels: int, taps: tuple[float, ...]) -> np.ndarray:
    matrix = np.zeros((pixels, pixels), np.float32)
    for offset, tap in zip((-1, 0, 1), taps, strict=True):
        source = np.clip(np.arange(pixels) + offset, 0, pixels - 1)
        np.add.at(matrix, (np.arange(pixels), source), tap)
    return matrix
