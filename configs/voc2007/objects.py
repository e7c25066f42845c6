"""PASCAL VOC 2007 for all configs of this folder: the classes of 20 objects in each picture.

Prepare it once, by ``catalog.prepare(catalog.VOC2007, archives=FOLDER)`` (docs/data.md).
"""

from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.builders.voc2007_masks import CLASSES
from xai_jax.data.pipeline import Masks, Pipeline

CLASS_NAMES = CLASSES
EPOCH = 157  # steps of 16 pictures that show all 2,501


def preprocess() -> Preprocess:
    """The whole picture as a square, its sides not in proportion."""
    return Preprocess(height=224, width=224)


def training() -> Pipeline:
    """2,501 pictures, shuffled, without end, as they are."""
    tfds = catalog.Tfds(spec=catalog.VOC2007, split="train")
    return Pipeline(source=tfds, resize=preprocess(), shuffle=True, num_epochs=0)


def once(split: str, masks: Masks = "none") -> Pipeline:
    """All pictures of a split: "validation" (2,510), "test" (4,952), or the "test_masks"."""
    tfds = catalog.Tfds(spec=catalog.VOC2007, split=split)
    return Pipeline(source=tfds, resize=preprocess(), masks=masks)
