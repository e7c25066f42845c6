"""RSNA's chest X-rays for all configs of this folder: lungs with opacities, or normal ones.

Prepare it once, by ``catalog.prepare(catalog.RSNA, archives=FOLDER)`` (docs/data.md). Pictures are
224 x 224; the pictures of the third class, neither normal nor with opacities, are left out.
"""

from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.part import OfClasses

OPACITY = "Lung Opacity"


def _chests(split: str) -> OfClasses:
    return OfClasses(source=catalog.Tfds(spec=catalog.RSNA, split=split), names=(OPACITY,))


PICTURES = Pictures(  # about 11,900 to train, 1,490 to validate, 1,490 to test
    of_split=_chests, size=Preprocess(height=224, width=224), class_names=(OPACITY,)
)
