"""Makes docs/pictures/syce.png of what the evaluation of configs/mnist/evaluate.py has left.

    python scripts/syce_pictures.py runs/mnist_scores

A digit a column, five of each kind; from the top the picture, the stable picture, the
counterfactual and the signed difference, blue below 0 and red above.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from xai_jax.report import panels
from xai_jax.runtime import results

OUT = pathlib.Path(__file__).parents[1] / "docs" / "pictures" / "syce.png"
EACH, TIMES, MARGIN = 5, 3, 4  # digits, pixels a pixel, pixels around a digit


def _drawn(tiles: np.ndarray) -> np.ndarray:
    """Tiles ``[n h w 3]`` uint8 beside each other, enlarged."""
    large = tiles.repeat(TIMES, axis=1).repeat(TIMES, axis=2)
    pads = ((0, 0), (0, MARGIN), (0, MARGIN), (0, 0))
    return np.concatenate(list(np.pad(large, pads, constant_values=255)), axis=1)


def main(folder: str) -> None:
    """Writes it."""
    found = results.load(pathlib.Path(folder) / "syce")
    decided = np.asarray(found["decision"])
    rows = np.concatenate([np.flatnonzero(decided == side)[:EACH] for side in (0, 1)])
    shown = [
        np.stack([panels.picture(pixels) for pixels in found[name][rows]])
        for name in ("images", "stable", "counterfactual")
    ]
    signed = found["difference"][rows]
    shown.append(panels.signed_colour_map(signed[..., 0] / np.abs(signed).max()))
    Image.fromarray(np.concatenate([_drawn(tiles) for tiles in shown])).save(OUT, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
