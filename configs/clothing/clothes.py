"""Clothing Co-Parsing for all configs of this folder: nine kinds of clothes on people in streets.

Pictures are 176 high and 96 wide: all of the height of a photograph, and the middle of its width.
"""

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Folder, Listed

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


def _folder(split: str) -> Folder:
    return Folder(
        root=data_folder.path("clothing"),
        split=split,
        labels=Listed(column="classes_present"),
        classes=GROUPS,
    )


PICTURES = Pictures(  # "train" 703, "validation" 101, "test" 200
    of_split=_folder,
    size=Preprocess(height=176, width=96, crop=1.0),
    class_names=tuple(GROUPS),
    num_threads=2,
)
