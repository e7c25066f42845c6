"""Makes a figure of docs/pictures of what an evaluation of SyCE has left.

    python scripts/syce_pictures.py runs/mnist_scores_long syce.png
    python scripts/syce_pictures.py runs/lgg_flips slices.png

A picture a column, five of each kind, evenly spread over the test; from the top the picture, the
stable picture, the counterfactual and the signed difference, blue below 0 and red above.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from xai_jax.report import panels
from xai_jax.runtime import results

OUT = pathlib.Path(__file__).parents[1] / "docs" / "pictures"
EACH, MARGIN, LARGE = 5, 4, 64  # of a kind, pixels around a picture, a side drawn twice as large


def _drawn(tiles: np.ndarray) -> np.ndarray:
    """Tiles ``[n h w 3]`` uint8 beside each other, enlarged."""
    times = 1 + LARGE // tiles.shape[1]
    large = tiles.repeat(times, axis=1).repeat(times, axis=2)
    pads = ((0, 0), (0, MARGIN), (0, MARGIN), (0, 0))
    return np.concatenate(list(np.pad(large, pads, constant_values=255)), axis=1)


def main(folder: str, name: str) -> None:
    """Writes it."""
    found = results.load(pathlib.Path(folder) / "syce")
    decided = np.asarray(found["decision"])
    sides = [np.flatnonzero(decided == side) for side in (0, 1)]
    rows = np.concatenate([side[np.arange(EACH) * len(side) // EACH] for side in sides])
    shown = [
        np.stack([panels.picture(pixels) for pixels in found[kind][rows]])
        for kind in ("images", "stable", "counterfactual")
    ]
    signed = found["difference"][rows]
    shown.append(panels.signed_colour_map(signed[..., 0] / np.abs(signed).max()))
    whole = np.concatenate([_drawn(tiles) for tiles in shown])
    Image.fromarray(whole).save(OUT / name, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
