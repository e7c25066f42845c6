"""Indian driving scenes for all configs of this folder: is the sky bright, or the road light?

IDD-Lite, 1,403 pictures to train and 204 to validate, of which those with 2 % of sky or more count;
7 regions and what is void. Every region has a gain and a tint of its own, drawn anew for each
picture, so that nothing but the sky can tell. The classifier learns how bright it is, and "test"
are the first 48 pictures to validate with, with a plain yes or no: no training sees them, nor does
any choose its state by them. "road" is the same for the road.

Beside that, two decisions that cannot be explained so: "naive" is that of the photographs as they
are, where the exposure of all of a picture tells something of its sky, too; and "ahead" is whether
vehicles cover much of the picture, which the label map decides.
"""

import functools
from typing import Any

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.masked_folder import MaskedFolder
from xai_jax.data.part import Rest
from xai_jax.data.region_looks import Asks, RegionLooks

REGIONS = (
    "drivable",
    "non-drivable",
    "living things",
    "vehicles",
    "roadside objects",
    "far objects",
    "sky",
)
ALL_REGIONS = (*REGIONS, "unlabelled")
NUM = {"train": 40_000, "validation": 0, "test": 48}  # 0: each once, but for those of the test
# `above`: about the medians of the varied skies and roads and of the skies as they are, and a share
# of vehicles;
# `graded`: unit pixels of luma that are a log-odds of the label.
VARIED = {"decides": "sky", "above": 0.75, "graded": 0.1, "vary": 0.4}
ROAD = {"decides": "drivable", "above": 0.35, "graded": 0.1, "vary": 0.4}
NAIVE = {"decides": "sky", "above": 210 / 255}
AHEAD = {"decides": "vehicles", "above": 0.08, "asks": Asks.SHARE, "least": 0.0}

# Standard deviations over pictures of the regions' mean luma: as varied, and as they are.
LUMA = (0.18, 0.16, 0.11, 0.12, 0.14, 0.11, 0.20, 0.05)
LUMA_AS_IT_IS = (0.12, 0.13, 0.09, 0.10, 0.10, 0.08, 0.16, 0.07)


def _scenes(decision: dict[str, Any], split: str) -> RegionLooks | Rest:
    is_test = split == "test"
    own = "validation" if is_test else split
    looks = RegionLooks(
        source=MaskedFolder(root=data_folder.path("idd_lite"), split=own),
        regions=REGIONS,
        num=NUM[split],
        **decision | ({"graded": 0.0} if is_test else {}),
    )
    return Rest(source=looks, behind=NUM["test"]) if split == "validation" else looks


def _pictures(decision: dict[str, Any], name: str) -> Pictures:
    return Pictures(
        of_split=functools.partial(_scenes, decision),
        size=Preprocess(height=80, width=128),
        class_names=(name,),
        num_threads=2,
    )


DECISIONS = {
    "sky": _pictures(VARIED, "bright sky"),
    "road": _pictures(ROAD, "bright drivable"),
    "naive": _pictures(NAIVE, "bright sky"),
    "ahead": _pictures(AHEAD, "much of vehicles"),
}
SCENES = DECISIONS["sky"]
DECIDES = {"sky": "sky", "road": "drivable", "naive": "sky", "ahead": "vehicles"}
