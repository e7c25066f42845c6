"""Makes the pictures of the documentation: a row of panels a photograph, one file a method.

``python scripts/docs_pictures.py`` after ``make quickstart``; needs the extra ``quickstart``.
"""

import importlib.util
import pathlib

import numpy as np
from PIL import Image

import xai_jax
from xai_jax.classifiers import pretrained
from xai_jax.core.method import Builds, Method
from xai_jax.data import pictures
from xai_jax.methods import bbmp, extremal, fido
from xai_jax.report import panels

OUT = pathlib.Path(__file__).parents[1] / "docs" / "pictures"
METHODS: dict[str, Builds[Method]] = {
    "fido": fido.Config.fast(),
    "bbmp": bbmp.Config(),
    "extremal": extremal.Config(),
}


def photographs() -> list[pathlib.Path]:
    """Coffee, chelsea and motorcycle, as scikit-image ships them."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit('scikit-image is missing; pip install "xai-jax[quickstart]".')
    folder = pathlib.Path(spec.submodule_search_locations[0]) / "data"
    return [folder / name for name in ("coffee.png", "chelsea.png", "motorcycle_left.png")]


def main() -> None:
    """Writes ``docs/pictures/<method>.jpg``."""
    lite0 = pretrained.load("efficientnet_lite0")
    images = np.stack([pictures.read(path, lite0.preprocess) for path in photographs()])
    OUT.mkdir(exist_ok=True)
    for name, config in METHODS.items():
        found = xai_jax.explain(lite0.classifier, images, method=config)
        rows = zip(images, found.keep, found.saliency, strict=True)
        sheet = np.concatenate([panels.contact_sheet(*row) for row in rows])
        Image.fromarray(sheet).save(OUT / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
