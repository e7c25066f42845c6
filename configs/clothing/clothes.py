"""Clothing Co-Parsing for all configs of this folder: nine kinds of clothes on people in streets.

Pictures are 176 high and 96 wide: all of the height of a photograph, and the middle of its width.
"""

from configs import data_folder
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.pipeline import Masks, Pipeline
from xai_jax.data.transforms import Augment

GROUPS = {  # ours: of the data set's own 58
    "trousers": ("pants",),
    "jeans": ("jeans",),
    "outerwear": ("jacket", "blazer", "coat", "cape", "cardigan"),
    "dress": ("dress", "romper"),
    "skirt": ("skirt",),
    "shorts": ("shorts",),
    "eyewear": ("sunglasses", "glasses"),
    "hat": ("hat",),
    "bag": ("bag", "purse"),
}
CLASS_NAMES = tuple(GROUPS)


def preprocess() -> Preprocess:
    """What every network of this folder is given."""
    return Preprocess(height=176, width=96, crop=1.0)


def training(augment: Augment | None = None) -> Pipeline:
    """703 pictures, shuffled, without end."""
    return Pipeline(
        source=_folder("train"),
        resize=preprocess(),
        augment=augment,
        shuffle=True,
        num_epochs=0,
        num_threads=2,
    )


def once(split: str, masks: Masks = "none") -> Pipeline:
    """All pictures of a split: "validation" (101) or "test" (200)."""
    return Pipeline(source=_folder(split), resize=preprocess(), masks=masks, num_threads=2)


def _folder(split: str) -> Folder:
    return Folder(
        root=data_folder.path("clothing"),
        split=split,
        labels=Listed(column="classes_present"),
        classes=GROUPS,
    )
