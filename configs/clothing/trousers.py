"""People in streets for the configs of this folder that end in "trousers": are these bright?

Of Clothing Co-Parsing the pictures that show trousers, jeans or leggings; eight regions of its 59
classes, and what is none of them. Every region has a gain and a tint of its own, drawn anew for
each picture, so that nothing but the trousers can tell. The classifier learns how bright these are,
and "test" are 48 pictures of their own with a plain yes or no.
"""

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.masked_folder import MaskedFolder
from xai_jax.data.region_looks import RegionLooks

REGIONS = {  # ours: of the data set's own 59
    "background": ("null",),
    "skin": ("skin",),
    "hair": ("hair", "hat"),
    "trousers": ("pants", "jeans", "leggings"),
    "top": (
        *("blazer", "blouse", "bodysuit", "cape", "cardigan", "coat", "hoodie", "jacket"),
        *("jumper", "shirt", "suit", "sweater", "sweatshirt", "t-shirt", "top", "vest"),
    ),
    "skirt": ("dress", "romper", "shorts", "skirt"),
    "shoes": (
        *("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes"),
        *("sneakers", "wedges", "socks"),
    ),
    "bag": ("bag", "purse", "wallet"),
}
DECIDES = "trousers"
ALL_REGIONS = (*REGIONS, "unlabelled")
NUM = {"train": 40_000, "validation": 144, "test": 48}  # each validation picture in three looks
# Standard deviations over pictures of the varied regions' mean luma.
LUMA = (0.19, 0.17, 0.17, 0.23, 0.23, 0.22, 0.17, 0.17, 0.17)
_ABOVE = 0.21  # about the median of the varied trousers' luma


def _people(split: str) -> RegionLooks:
    return RegionLooks(
        source=MaskedFolder(root=data_folder.path("clothing"), split=split, regions=REGIONS),
        regions=tuple(REGIONS),
        decides=DECIDES,
        above=_ABOVE,
        graded=0.0 if split == "test" else 0.04,  # black is no more than 0.21 below `above`
        least=0.01,
        vary=0.4,
        num=NUM[split],
    )


PEOPLE = Pictures(
    of_split=_people,
    size=Preprocess(height=144, width=96),
    class_names=("bright trousers",),
    num_threads=2,
)
