"""Indian driving scenes for all configs of this folder: is the sky bright?

IDD-Lite, 1,403 pictures to train and 204 to validate, of which those with 2 % of sky or more count;
7 regions and what is void. Every region has a gain and a tint of its own, drawn anew for each
picture, so that nothing but the sky can tell. The classifier learns how bright it is, and "test"
are the first 48 pictures to validate with a plain yes or no.
"""

import dataclasses

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.masked_folder import MaskedFolder
from xai_jax.data.region_looks import RegionLooks

REGIONS = (
    "drivable",
    "non-drivable",
    "living things",
    "vehicles",
    "roadside objects",
    "far objects",
    "sky",
)
DECIDES = "sky"
ABOVE = 0.75  # about the median of the varied skies
GRADED = 0.1  # unit pixels, in which the luma above that is a label's log-odds
NUM = {"train": 40_000, "validation": 0, "test": 48}  # 0: each once


def _skies(split: str) -> RegionLooks:
    is_test = split == "test"
    own = "validation" if is_test else split
    return RegionLooks(
        source=MaskedFolder(root=data_folder.path("idd_lite"), split=own),
        regions=REGIONS,
        decides=DECIDES,
        above=ABOVE,
        graded=0.0 if is_test else GRADED,
        vary=0.4,
        num=NUM[split],
    )


FULL = Pictures(
    of_split=_skies,
    size=Preprocess(height=80, width=128),
    class_names=(f"bright {DECIDES}",),
    num_threads=2,
)
SMALL = dataclasses.replace(FULL, size=Preprocess(height=40, width=64))
SIZES = {"full": FULL, "small": SMALL}
