"""The results of a run, read back."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from xai_jax.core.areas import AREAS
from xai_jax.core.outputs import Output
from xai_jax.core.settings import nearest
from xai_jax.runtime import done, store
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.files import place
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.store import StoredArray
from xai_jax.runtime.summary import Row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """A finished or unfinished run; arrays are read when they are indexed, so memory stays small.

    Rows are in the order of ``manifest.pictures``. A row without a result (not computed yet, or a
    picture that could not be read) holds NaN, in `target` -1, in `images` 0.

    Fields:
        folder: where it lies.
        manifest: settings and provenance.
        summary: one entry a picture; ``None`` where it is not computed yet.
        arrays: every stored array by its declared name; ``results[name]`` is one of them.
        areas: ``[a]`` shares of the image, the second axis of ``curve_kept``.
        class_names: by index; empty where they are not known.
    """

    folder: Path
    manifest: Manifest
    summary: tuple[Row | None, ...]
    arrays: Mapping[str, StoredArray]
    areas: tuple[float, ...] = AREAS
    class_names: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: str | os.PathLike) -> "Results":
        """See `load`."""
        folder = place(folder)
        manifest = manifests.read(folder)
        rows: list[Row | None] = []
        whole = done.all_whole(folder, manifest)
        for batch in range(manifest.num_batches()):
            places = manifest.rows(batch)
            rows += whole[batch].rows if batch in whole else [None] * (places.stop - places.start)
        return cls(
            folder=folder,
            manifest=manifest,
            summary=tuple(rows),
            arrays=store.read(folder),
            class_names=store.class_names(folder),
        )

    def __repr__(self) -> str:
        """One line: where it lies, how many pictures are explained, and the arrays' names."""
        done = f"{len(self.rows)} of {len(self.summary)} pictures explained"
        return f"Results({str(self.folder)!r}: {done}; {', '.join(self.arrays)})"

    @property
    def complete(self) -> bool:
        """Whether every picture is explained or skipped."""
        return all(row is not None for row in self.summary)

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows that hold an explanation."""
        return tuple(i for i, row in enumerate(self.summary) if row and row.status == "done")

    @property
    def images(self) -> StoredArray:
        """``[n h w c]`` uint8: the pictures as the classifier saw them, before normalisation."""
        return self["images"]

    @property
    def keep(self) -> StoredArray:
        """``[n h w 1]`` in [0, 1], 1 = kept."""
        return self["keep"]

    @property
    def saliency(self) -> StoredArray:
        """``[n h w 1]``, larger where a pixel speaks more for the target; in the method's unit."""
        return self["saliency"]

    @property
    def target(self) -> StoredArray:
        """``[n]``, the class explained."""
        return self["target"]

    @property
    def outputs(self) -> dict[str, Output]:
        """What every array says, by name: axes, unit, meaning."""
        return {name: array.output for name, array in self.arrays.items()}

    def __iter__(self) -> Iterator[str]:
        """The arrays' names."""
        return iter(self.arrays)

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> StoredArray:
        """An array by its declared name, ``results["log_odds_kept"]`` say.

        Raises:
            ValueError: there is none, or nothing is computed yet.
        """
        if name not in self.arrays:
            there = nearest(name, self.arrays) if self.arrays else "start the run again to go on."
            raise ValueError(f"{self.folder} holds no {name!r}; {there}")
        return self.arrays[name]


def load(folder: str | os.PathLike) -> Results:
    """The results of ``xai-jax explain --out folder``, finished or not.

    Every file is compared with the digest that its batch has left: pictures of which something is
    lost or damaged count as not computed yet.

    Raises:
        ValueError: `folder` does not hold a run.
    """
    return Results.read(folder)
