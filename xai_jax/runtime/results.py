"""The results of a run, read back."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from xai_jax.core.areas import AREAS
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime import store, summary
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
        arrays: every stored array by its name in the group: the properties below name them all.
        areas: ``[a]`` shares of the image, the second axis of `curve`.
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
        folder = Path(folder)
        manifest = manifests.read(folder)
        rows: list[Row | None] = []
        for batch in range(manifest.num_batches()):
            places = manifest.rows(batch)
            done = summary.is_done(folder, batch)
            rows += (
                summary.read_batch(folder, batch) if done else [None] * (places.stop - places.start)
            )
        return cls(
            folder=folder,
            manifest=manifest,
            summary=tuple(rows),
            arrays=store.read(folder),
            class_names=store.class_names(folder),
        )

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
        return self._array("images")

    @property
    def keep(self) -> StoredArray:
        """``[n h w 1]`` in [0, 1], 1 = kept."""
        return self._array("keep")

    @property
    def saliency(self) -> StoredArray:
        """``[n h w 1]``, larger where a pixel speaks more for the target; in the method's unit."""
        return self._array("saliency")

    @property
    def target(self) -> StoredArray:
        """``[n]``, the class explained."""
        return self._array("target")

    @property
    def log_odds(self) -> dict[str, StoredArray]:
        """``{"original", "kept", "removed": [n]}`` in nats."""
        return {part: self._array(f"log_odds_{part}") for part in ("original", "kept", "removed")}

    @property
    def curve(self) -> dict[str, StoredArray]:
        """``{"kept", "removed": [n a]}`` in nats, at each of `areas`."""
        return {part: self._array(f"curve_{part}") for part in ("kept", "removed")}

    @property
    def class_log_odds(self) -> StoredArray:
        """``[n k]`` in nats, of every class in the picture."""
        return self._array("class_log_odds")

    @property
    def class_keep(self) -> StoredArray | None:
        """``[n h w k]`` float16 in [0, 1], 1 = kept: the mask of every class, to 1/256.

        ``None`` where the method does not draw them, or nothing is computed yet.
        """
        return self.arrays.get("class_keep")

    @property
    def trace(self) -> dict[str, StoredArray]:
        """``{name: [n t]}``, what the optimisation logged."""
        prefix = "trace/"
        names = (name for name in self.arrays if name.startswith(prefix))
        return {name.removeprefix(prefix): self._array(name) for name in names}

    def _array(self, name: str) -> StoredArray:
        if name not in self.arrays:
            raise ValueError(f"{self.folder} holds no {name} yet; start the run again to go on.")
        return self.arrays[name]


def load(folder: str | os.PathLike) -> Results:
    """The results of ``xai-jax explain --out folder``, finished or not.

    Raises:
        ValueError: `folder` does not hold a run.
    """
    return Results.read(folder)
