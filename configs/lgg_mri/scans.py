"""Brain MRI (TCGA-LGG, FLAIR) for all configs of this folder: slices with a tumour, and without.

Pictures are 128 x 128; no patient is in two splits.
"""

import numpy as np

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Flagged, Folder


def _folder(split: str) -> Folder:
    return Folder(
        root=data_folder.path("lgg_mri"), split=split, labels=Flagged(columns=("tumour",))
    )


PICTURES = Pictures(  # "train" 2,659 slices, "validation" 657, "test" 613
    of_split=_folder,
    size=Preprocess(height=128, width=128),
    class_names=("tumour",),
    num_threads=2,
)


def patient(name: str) -> str:
    """Whose slice it is: the name without the slice's number."""
    return name.rsplit("_", 1)[0]


def position_and_area(name: str, image: np.ndarray) -> tuple[float, float]:
    """The slice's number in its scan, and the share of the picture that is not dark: the brain."""
    return float(name.rsplit("_", 1)[1].split(".")[0]), float((image > 0.1).mean())
