"""Makes docs/pictures/infills.jpg: what FIDO keeps of two photographs, by the infill it is given.

``python -m scripts.infill_pictures`` after ``make quickstart`` and the trainings of
docs/infills.md; needs the extra ``quickstart``. A column an infill, those of `INFILLS` and those
that runs/ has: in the upper row of a photograph its most salient pixels, as many as suffice under
that infill, with all others filled; in the lower row the map.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from benchmarks import subject, trained_infills
from benchmarks.fido_infills import INFILLS
from benchmarks.kept_parts import curve
from scripts.docs_pictures import photographs
from xai_jax.classifiers import pretrained
from xai_jax.core.areas import most_salient, ranks, smallest_sufficient
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.data import pictures
from xai_jax.methods import fido
from xai_jax.report import panels

OUT = pathlib.Path(__file__).parents[1] / "docs" / "pictures" / "infills.jpg"
NUM, SIDE = 2, 160  # photographs; pixels of a panel


def main() -> None:
    """Writes it."""
    lite0 = pretrained.load("efficientnet_lite0")
    images = np.stack([pictures.read(path, lite0.preprocess) for path in photographs()[:NUM]])
    decided = lite0.classifier.logits(jnp.asarray(images)).argmax(axis=1)
    batch = subject.batch_of(images, np.asarray(decided))
    columns = [_column(images, [np.ones_like(image) for image in images])]
    for infill in (INFILLS | trained_infills.found()).values():
        frozen = Frozen(lite0.classifier, infill.build(lite0.classifier))
        columns.append(_column(*_explained(frozen, batch)))
    Image.fromarray(np.concatenate(columns, axis=1)).save(OUT, quality=85)


def _explained(frozen: Frozen, batch: Batch) -> tuple[np.ndarray, list[np.ndarray]]:
    """What suffices of each picture, the rest filled, and the map over the picture."""
    explain = jax.jit(fido.Config.fast().build().explain)
    saliency = explain((), frozen, batch, jax.random.key(0)).saliency
    rank = ranks(saliency)
    alone = curve(frozen, batch, rank)
    shares = np.nan_to_num(np.asarray(smallest_sufficient(alone, alone[:, -1])), nan=1.0)
    maps = np.asarray(saliency)
    keep = [most_salient(rank[i : i + 1], float(share)) for i, share in enumerate(shares)]
    mask = jnp.concatenate(keep)
    keys = jax.random.split(jax.random.key(1), len(mask))
    filled = frozen.infill(frozen.infill.prepare(batch.images), mask, keys)
    shown = np.asarray(compose(batch.images, mask, filled))
    return shown, [panels.overlay(*pair) for pair in zip(batch.images, maps, strict=True)]


def _column(shown, maps) -> np.ndarray:
    """Photographs below each other, each with its map below it."""
    both = [panel for pair in zip(shown, maps, strict=True) for panel in pair]
    small = [Image.fromarray(panels.picture(one)).resize((SIDE, SIDE)) for one in both]
    return np.concatenate([np.asarray(one) for one in small])


if __name__ == "__main__":
    main()
