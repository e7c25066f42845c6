"""Pictures of your own, of two kinds, for all configs of this folder.

    python train.py --config=configs/own/classifier.py:FOLDER:COLUMN --workdir=runs/own_classifier

FOLDER has images/ and labels.csv (docs/data.md) with the columns "file", "split" ("train",
"validation" and "test") and COLUMN, which is 1 for the one kind and 0 for the other. Or it has no
labels.csv and two subfolders, one of each kind, of which COLUMN names the one that is the class:
their names put pictures into the splits (xai_jax/data/sorted_folder.py).
"""

import functools

from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Flagged, Folder
from xai_jax.data.folder_examples import TABLE
from xai_jax.data.sorted_folder import SortedFolder
from xai_jax.runtime.files import place

SIDE = 64
EXAMPLE = "pictures:ill"


def _folder(root: str, column: str, split: str) -> Folder | SortedFolder:
    if not (place(root) / TABLE).exists():
        return SortedFolder(root=root, split=split, of=column)
    return Folder(root=root, split=split, labels=Flagged(columns=(column,)))


def pictures(where: str) -> Pictures:
    """Those of "FOLDER:COLUMN".

    Raises:
        ValueError: it is no such pair.
    """
    root, _, column = where.rpartition(":")
    if not root or not column:
        raise ValueError(
            f"{where!r} names no folder and column of two kinds of pictures; ask for "
            f"--config=FILE:{EXAMPLE}, say."
        )
    return Pictures(
        of_split=functools.partial(_folder, root, column),
        size=Preprocess(height=SIDE, width=SIDE),
        class_names=(column,),
        num_threads=2,
    )
