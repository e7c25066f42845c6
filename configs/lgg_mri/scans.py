"""Brain MRI (TCGA-LGG, FLAIR) for all configs of this folder: slices with a tumour, and without.

Pictures are 128 x 128; no patient is in two splits.
"""

from configs import data_folder
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Flagged, Folder
from xai_jax.data.pipeline import Masks, Pipeline
from xai_jax.data.transforms import Augment

CLASS_NAMES = ("tumour",)


def preprocess() -> Preprocess:
    """What every network of this folder is given."""
    return Preprocess(height=128, width=128)


def training(augment: Augment | None = None) -> Pipeline:
    """2,659 slices, shuffled, without end."""
    return Pipeline(
        source=_folder("train"),
        resize=preprocess(),
        augment=augment,
        shuffle=True,
        num_epochs=0,
        num_threads=2,
    )


def once(split: str, masks: Masks = "none") -> Pipeline:
    """All slices of a split: "validation" (657) or "test" (613)."""
    return Pipeline(source=_folder(split), resize=preprocess(), masks=masks, num_threads=2)


def _folder(split: str) -> Folder:
    return Folder(
        root=data_folder.path("lgg_mri"), split=split, labels=Flagged(columns=CLASS_NAMES)
    )
