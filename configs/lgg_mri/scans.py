"""Brain MRI (TCGA-LGG, FLAIR) for all configs of this folder: slices with a tumour, and without.

Pictures are 128 x 128; no patient is in two splits.
"""

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
