"""Makes docs/pictures/steex.jpg of what configs/steex/planted_evaluate.py has left.

``python scripts/steex_pictures.py runs/streets_scores``: a picture a column; from the top the
picture, its reconstruction, and the counterfactuals in general mode, by the traffic light alone and
by the lamp alone.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from xai_jax.data.streets import REGIONS
from xai_jax.runtime import results

OUT = pathlib.Path(__file__).parents[1] / "docs" / "pictures" / "steex.jpg"
NUM = 10
ALONE = ("traffic light", "lamp")


def _pixels(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    return np.round(255 * np.clip(values, 0.0, 1.0)).astype(np.uint8)


def main(folder: str) -> None:
    """Writes it."""
    general, sparsest = (
        results.load(pathlib.Path(folder) / name) for name in ("general", "sparsest")
    )
    rows = [general[name][:NUM] for name in ("images", "reconstruction", "counterfactual")]
    alone = sparsest["counterfactual_alone"][:NUM]  # [b n h w c]
    rows += [alone[:, REGIONS.index(name)] for name in ALONE]
    strips = [np.concatenate(list(_pixels(row)), axis=1) for row in rows]
    Image.fromarray(np.concatenate(strips)).save(OUT, quality=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
