"""Whether a class's map lies in the tiles that show the class: of mosaics, where that is known."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.types import Batch, Explanation, PerExample

ClassMaps = Float[Array, "b h w k"]
Pairs = Float[Array, "b k k"]  # the tiles of a class (axis 1), the map of a class (axis 2)

TRUE_KEEP = Output(
    name="true_keep",
    kind="map",
    axes=(outputs.ROW, outputs.COLUMN, outputs.CLASS),
    unit="in [0, 1]",
    meaning="As keep, for each class that the picture shows; NaN for the others.",
)


def focus() -> Metric:
    """Focus and class specificity over tiles of `data.mosaic.Mosaics`; no classifier is asked.

    It reads ``Explanation.maps["true_keep"]``, the map of each class that the mosaic shows, and
    ``Batch.masks`` of each class ("soft").
    """
    return Metric(measure=_measured, rows=_ROWS, columns=_COLUMNS, per_class=True)


def _measured(params, frozen, batch: Batch, explanation: Explanation, key) -> dict[str, PerExample]:
    del params, frozen, key
    if batch.masks is None or batch.masks.shape[3] != batch.labels.shape[1]:
        raise ValueError("Focus needs the tiles of each class; set the data's masks='soft'.")
    maps, tiles = explanation.maps[TRUE_KEEP.name], batch.masks
    is_in = (batch.labels > 0) & ~jnp.isnan(maps).any(axis=(1, 2))  # [b k]
    own = is_in[:, :, None] & jnp.eye(is_in.shape[1], dtype=bool)
    both = is_in[:, :, None] & is_in[:, None, :]
    shares, heights = evidence_shares(maps, tiles), mean_in_tiles(maps, tiles)
    return {
        "focus": _mean_where(shares, own & ~jnp.isnan(shares)),
        "tile_diagonal": _mean_where(heights, own),
        "tile_off_diagonal": _mean_where(heights, both & ~own),
    }


def evidence_shares(maps: ClassMaps, tiles: ClassMaps) -> Pairs:
    """Share of each map's positive evidence in the tiles of each class, in [0, 1].

    On the diagonal it is the Focus of Arias-Duart et al. 2022 (arXiv 2109.15035). NaN for a map
    without any.

    Args:
        maps: of each class; of any scale.
        tiles: the share that each class's tiles cover of each pixel.
    """
    positive = jnp.maximum(jnp.nan_to_num(maps), 0.0)
    there = jnp.einsum("bhwi,bhwj->bij", tiles, positive, precision="highest")
    whole = positive.sum(axis=(1, 2))[:, None]  # [b 1 k]
    return jnp.where(whole > 0, there / jnp.where(whole > 0, whole, 1.0), jnp.nan)


def mean_in_tiles(maps: ClassMaps, tiles: ClassMaps) -> Pairs:
    """Mean of each map over the tiles of each class, in the maps' unit; 0 where it has no tile."""
    there = jnp.einsum("bhwi,bhwj->bij", tiles, jnp.nan_to_num(maps), precision="highest")
    size = tiles.sum(axis=(1, 2))[:, :, None]  # [b k 1]
    return jnp.where(size > 0, there / jnp.where(size > 0, size, 1.0), 0.0)


def _mean_where(values: Pairs, chosen: Array) -> PerExample:
    """Mean of the chosen pairs of each picture; NaN where there is none."""
    num = chosen.sum(axis=(1, 2))
    total = jnp.where(chosen, values, 0.0).sum(axis=(1, 2))
    return jnp.where(num > 0, total / jnp.maximum(num, 1), jnp.nan)


_MEANINGS = {
    "focus": "Share of the positive evidence for a class in its own tiles; NaN: there is none.",
    "tile_diagonal": "Mean of the map of a class over its own tiles.",
    "tile_off_diagonal": "Mean of the map of a class over the tiles of the other classes shown.",
}
_ROWS = tuple(outputs.number(name, "in [0, 1]", meaning) for name, meaning in _MEANINGS.items())
_SOURCE = "Stalder et al. 2022, class-specific masks, over tiles instead of probabilities"
_COLUMNS = (
    Column("focus", "Focus %", "higher", 0.0, 1.0, "%", "Arias-Duart et al. 2022", 1),
    Column("tile_diagonal", "own tile %", "higher", 0.0, math.inf, "%", _SOURCE, 1),
    Column("tile_off_diagonal", "other tiles %", "lower", 0.0, math.inf, "%", _SOURCE, 1),
)
