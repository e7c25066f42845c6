"""Makes docs/pictures/steex.jpg, skies.jpg or trousers.jpg of what an evaluation of STEEX has left.

    python scripts/steex_pictures.py steex runs/streets_scores
    python scripts/steex_pictures.py skies runs/idd_scores
    python scripts/steex_pictures.py trousers runs/trousers_scores

A picture a column; from the top the picture, its reconstruction, and the counterfactuals in general
mode, by the region that decides alone and by another alone.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from xai_jax.runtime import results

PICTURES = pathlib.Path(__file__).parents[1] / "docs" / "pictures"
NUM = 10
ALONE = {  # numbers of the regions in their label maps
    "steex": (5, 6),  # traffic light, lamp
    "skies": (6, 0),  # sky, drivable
    "trousers": (3, 4),  # trousers, top
}


def _pixels(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    return np.round(255 * np.clip(values, 0.0, 1.0)).astype(np.uint8)


def main(name: str, folder: str) -> None:
    """Writes it."""
    general, sparsest = (
        results.load(pathlib.Path(folder) / row) for row in ("general", "sparsest")
    )
    rows = [general[which][:NUM] for which in ("images", "reconstruction", "counterfactual")]
    alone = sparsest["counterfactual_alone"][:NUM]  # [b n h w c]
    rows += [alone[:, number] for number in ALONE[name]]
    strips = [np.concatenate(list(_pixels(row)), axis=1) for row in rows]
    Image.fromarray(np.concatenate(strips)).save(PICTURES / f"{name}.jpg", quality=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
