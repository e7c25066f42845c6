"""Pictures of your own with masks of their regions, for configs/own/sean.py and the like.

FOLDER:COLUMN:REGION,REGION,... is FOLDER and COLUMN of configs/own/two_kinds.py, and the names of
the numbers in masks/NAME.png (docs/data.md), from 0 on: pictures:ill:sky,road,car say. Every pixel
has one of these numbers, or 255, void, which is that of a region too where one says so:
--config.data.void_region=3 --config.validation.data.void_region=3, and of evaluate_steex.py the
first of these.
"""

import dataclasses

from configs.own import two_kinds
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Flagged
from xai_jax.data.masked_folder import MaskedFolder

EXAMPLE = "pictures:ill:sky,road,car"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenes:
    """What a "FOLDER:COLUMN:REGION,REGION,..." is about.

    Fields:
        pictures: with their masks.
        regions: names of the masks' numbers.
        kinds: "FOLDER:COLUMN", of the classifier.
    """

    pictures: Pictures
    regions: tuple[str, ...]
    kinds: str


def scenes(where: str) -> Scenes:
    """Those of "FOLDER:COLUMN:REGION,REGION,...".

    Raises:
        ValueError: it is no such thing.
    """
    kinds, _, named = where.rpartition(":")
    regions = tuple(name.strip() for name in named.split(","))
    root, _, column = kinds.rpartition(":")
    if not root or not column or not all(regions):
        raise ValueError(
            f"{where!r} names no folder, column and regions; ask for --config=FILE:{EXAMPLE}, say."
        )

    def of_split(split: str) -> MaskedFolder:
        return MaskedFolder(root=root, split=split, labels=Flagged(columns=(column,)))

    pictures = Pictures(
        of_split=of_split,
        size=Preprocess(height=two_kinds.SIDE, width=two_kinds.SIDE),
        class_names=(column,),
        num_threads=2,
    )
    return Scenes(pictures=pictures, regions=regions, kinds=kinds)
