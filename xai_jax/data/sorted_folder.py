"""Pictures sorted into two folders, of which one is the class: no table says anything of them."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from xai_jax.core.settings import Settings
from xai_jax.data import finding
from xai_jax.data.folder_examples import TABLE, FolderExamples
from xai_jax.data.table import composed
from xai_jax.runtime.files import place

_SPLITS = {"train": 0.7, "validation": 0.85, "test": 1.0}  # where each ends, of the names' hashes
_SAYS = "the subfolders"  # in the place of a table


@dataclasses.dataclass(slots=True, kw_only=True)
class SortedFolder(Settings):
    """The settings of a folder with two subfolders; `build` finds the pictures.

    A picture is in a split by a hash of its name below its subfolder, or where it lies in a folder
    there, a patient's say, of that folder's name, so that these stay together. Whatever pictures
    are added, or sorted anew, it stays where it is; 70 % are to train, 15 % to validate and 15 % to
    test.

    Fields:
        root: the folder.
        split: "train", "validation" or "test"; empty: all pictures.
        of: the subfolder that is the class; pictures of the other one are without it.
    """

    root: str
    split: str = ""
    of: str

    def build(self) -> FolderExamples:
        """The rows, in natural order; all of them checked, but no picture decoded.

        Raises:
            ValueError: in one sentence: the folder has no two subfolders of pictures, none of them
                is the class, there is no such split, one has no picture of a kind, or a file is no
                picture.
        """
        root = finding.absolute(place(self.root))
        files = [file.relative_to(root).as_posix() for file in finding.find([root]).values()]
        self._check(root, files)
        chosen = [file for file in files if not self.split or _split(file) == self.split]
        labels = np.array([[_kind(file) == self.of] for file in chosen], np.float32).reshape(-1, 1)
        for kind in sorted({_kind(file) for file in files} - {_kind(file) for file in chosen}):
            raise ValueError(
                f"No picture of {root / kind} is in the split {self.split!r}, in which their names "
                f"put them; add pictures, or say all splits in {root / TABLE}."
            )
        rows = FolderExamples(
            root=root,
            pictures=root,
            says=_SAYS,
            class_names=(self.of,),
            rows=tuple(map(_number, chosen)),
            files=tuple(chosen),
            labels=labels,
            meaning=np.zeros(256, np.uint16),
            has_masks=False,
        )
        rows.check()
        return rows

    def _check(self, root: Path, files: list[str]) -> None:
        kinds = sorted({_kind(file) for file in files})
        if len(kinds) != 2 or self.of not in kinds:
            shown = ", ".join(kind or "none" for kind in kinds)
            raise ValueError(
                f"{root} has no {TABLE} and its pictures lie in these subfolders: {shown}; sort "
                f"them into two, one of them {self.of!r}, or make a table."
            )
        if self.split and self.split not in _SPLITS:
            raise ValueError(
                f"{root} has no split {self.split!r}; choose one of {', '.join(_SPLITS)}."
            )


def _kind(file: str) -> str:
    """The subfolder that a file lies in; empty: in none."""
    first, slash, _ = file.partition("/")
    return composed(first) if slash else ""


def _split(file: str) -> str:
    share = _number(file.split("/")[1]) / 2**32
    return next(split for split, end in _SPLITS.items() if share < end)


def _number(name: str) -> int:
    """Below 2^32, by the name alone."""
    content = composed(name).encode(errors="surrogateescape")
    return int.from_bytes(hashlib.sha256(content).digest()[:4])
