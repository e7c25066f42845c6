"""Pictures of a folder with their masks as label maps: no class of its table is asked for."""

import dataclasses
from pathlib import Path

import numpy as np

from xai_jax.core.settings import Settings
from xai_jax.data import folder_table, table
from xai_jax.data.example import Example


@dataclasses.dataclass(slots=True, kw_only=True)
class MaskedFolder(Settings):
    """The settings; `build` reads the table.

    Fields:
        root: the folder. ``labels.csv`` has a column ``file`` (below ``images/``) and perhaps
            ``split``; masks are ``masks/<name of the file>.png``, one number a pixel, 255 is void.
        split: whose rows; empty: all rows.
    """

    root: str
    split: str = ""

    def build(self) -> "MaskedExamples":
        """The rows; no picture is decoded.

        Raises:
            ValueError: the table or a mask is missing, or there is no such split.
        """
        root = Path(self.root)
        lines = folder_table.lines_of(root, self.split)
        firsts = [of_one[0] for of_one in folder_table.by_picture(lines)]
        rows = MaskedExamples(
            root=root,
            rows=tuple(row for row, _ in firsts),
            names=tuple(line["file"] for _, line in firsts),
        )
        for name in rows.names:
            if not rows.mask_of(name).is_file():
                raise ValueError(f"{rows.mask_of(name)} is missing; every picture needs a mask.")
        return rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedExamples:
    """A random-access source without labels.

    Fields:
        root: the folder.
        rows: number of each picture in the table.
        names: file of each, below ``images/``.
    """

    root: Path
    rows: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def mask_of(self, name: str) -> Path:
        """The file of a picture's mask."""
        return table.lying(self.root / "masks", Path(name).with_suffix(".png").as_posix())

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Example:
        """Picture `index`, with its mask."""
        name = self.names[index]
        return Example(
            row=self.rows[index],
            name=name,
            picture=table.lying(self.root / "images", name),
            labels=np.zeros(0, np.float32),
            mask=self.mask_of(name),
            regions=True,
        )
