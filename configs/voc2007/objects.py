"""PASCAL VOC 2007 for all configs of this folder: the classes of 20 objects in each picture.

Prepare it once, by ``catalog.prepare(catalog.VOC2007, archives=FOLDER)`` (docs/data.md).
"""

from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.builders.voc2007_masks import CLASSES


def _tfds(split: str) -> catalog.Tfds:
    return catalog.Tfds(spec=catalog.VOC2007, split=split)


PICTURES = Pictures(  # "train", "validation", "test", and the segmented ones: "test_masks"
    of_split=_tfds,
    size=Preprocess(height=224, width=224),  # whole pictures, their sides not in proportion
    class_names=CLASSES,
)
