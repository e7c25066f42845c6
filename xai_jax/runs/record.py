"""Writes what was explained: the arrays, a picture each, and last the sign that a batch is done."""

import functools
import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from xai_jax.core import outputs, targets
from xai_jax.core.outputs import CLASS_LOG_ODDS, PREDICTED, Output
from xai_jax.data.finding import SUFFIXES
from xai_jax.report import panels
from xai_jax.runs.sources import Pictures
from xai_jax.runs.worker import Found
from xai_jax.runtime import distributed, done, files, store, summary
from xai_jax.runtime import manifest as manifests
from xai_jax.runtime.manifest import Manifest
from xai_jax.runtime.summary import Row

PICTURES = "pictures"
_THREADS = 4  # that read files in order to recognise them, and that encode pictures
_DIGEST = 32  # characters at most
_COMPRESSION = 2  # of PNG: half the time of the default for a few per cent more bytes

IMAGES = Output(
    name="images",
    kind="picture",
    axes=(outputs.ROW, outputs.COLUMN, outputs.CHANNEL),
    unit="unit pixels times 255",
    meaning="The pictures as the classifier saw them, before normalisation; 0 without a result.",
    stored="uint8",
)


def digests(source: Pictures) -> tuple[str, ...]:
    """Of the content of every picture; of several processes each reads its share."""

    def read(rows: range) -> list[str]:
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(source.digest, rows))

    return tuple(distributed.shared(len(source.names), read, _DIGEST))


def check_folder(folder: Path, manifest: Manifest) -> None:
    """Refuses a folder that holds anything but an unfinished or finished start of the same run.

    Raises:
        ValueError: it holds another run, or files of somebody else.
    """
    if not (folder / manifests.NAME).exists():
        ours = {files.LOCK, files.partial(folder / manifests.NAME).name}
        strange = [p.name for p in folder.iterdir() if p.name not in ours]
        if strange:
            raise ValueError(
                f"{folder} holds {min(strange)} and no run; choose an empty folder with --out."
            )
        return
    difference = manifests.difference(manifests.read(folder), manifest)
    if difference:
        raise ValueError(
            f"{folder} holds another run: {difference}; choose another folder with --out, "
            "or start with the settings in its manifest.json."
        )


class Recorder:
    """A sink: the folder of a run, held by its owner (`runtime.files.held`).

    Of several processes the first holds the folder and comes before the others; each has every n-th
    batch.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        class_names: Sequence[str] = (),
        *,
        advance: Callable[[int], None] = lambda more: None,
    ) -> None:
        """Of a folder that holds nothing, or an earlier start of the same run.

        Args:
            folder: the run's.
            manifest: what it is made of.
            class_names: by index; empty where they are not known.
            advance: is told how many more pictures are on the disk.

        Raises:
            ValueError: the folder holds something else.
        """
        check_folder(folder, manifest)
        self._folder, self._manifest, self._advance = folder, manifest, advance
        self._class_names = class_names
        self._store = store.Writer(folder, len(manifest.pictures), manifest.batch_size, class_names)
        self._known: dict[str, Output] = {}
        self._lasting: dict[str, str] = {}  # digests of what all batches share
        self._num, self._place = jax.process_count(), jax.process_index()
        self._claimed = self._num > 1
        self._done = self._whole()
        if self._claimed and distributed.is_first():
            manifest.write(folder)
            self._store.write_group()
        self.seconds: list[float] = []  # of the compiled call, one number a batch

    def todo(self) -> list[int]:
        """Own rows that are not done, or of which the picture has changed since."""
        rows = []
        for batch in self._own():
            where = range(*self._manifest.rows(batch).indices(len(self._manifest.pictures)))
            before = self._done.get(batch, ())
            found = dict(zip(where, before, strict=False))
            rows += [i for i in where if found.get(i) != self._manifest.digests[i]]
        return rows

    def _own(self) -> range:
        """The batches of this process."""
        return range(self._place, self._manifest.num_batches(), self._num)

    @property
    def num_own(self) -> int:
        """Pictures of this process."""
        places = (self._manifest.rows(batch) for batch in self._own())
        return sum(place.stop - place.start for place in places)

    def _whole(self) -> dict[int, tuple[str, ...]]:
        """``{batch: digests}`` of the batches that are done and whole; of others nothing stays."""
        found: dict[int, tuple[str, ...]] = {}
        arrays: set[str] = set()
        for batch, whole in done.all_whole(self._folder, self._manifest).items():
            found[batch] = tuple(row.digest for row in whole.rows)
            arrays |= done.arrays_of(whole)
        if distributed.is_first():
            done.undo(self._folder, self._manifest, found, arrays)
        return found

    def begin(self, known: dict[str, Output]) -> Sequence[int]:
        """Is told what may come, and answers what is to do."""
        self._known = {IMAGES.name: IMAGES, **known}
        self._store.open_written(self._known)
        return self.todo()

    def write(
        self, skipped: dict[int, tuple[str, str]], found: Found | None, seconds: float
    ) -> None:
        """Writes rows of one batch, and last that they are done."""
        if not self._claimed:  # only now: a run that fails before its first batch leaves no trace
            self._manifest.write(self._folder)
            self._claimed = True
        if found is not None:
            self.seconds.append(seconds)
        explained = [] if found is None else list(found.rows)
        rows = sorted([*skipped, *explained])
        arrays = {} if found is None else _arrays(found)
        has_result = np.array([row not in skipped for row in rows])
        self._store.write(rows, has_result, arrays, self._known)
        lines = {row: self._skipped(row, *why) for row, why in skipped.items()}
        if found is not None:
            if self._manifest.sheets:
                self._write_sheets(found)
            lines |= {row: self._line(found, arrays, n) for n, row in enumerate(explained)}
        self._write_lines(lines)
        self._advance(len(rows))

    def own_rows(self) -> list[Row]:
        """Of this process' pictures, which are done."""
        return [row for batch in self._own() for row in done.read(self._folder, batch).rows]

    def finish(self) -> list[Row]:
        """Writes the summary of all pictures, which are done."""
        self._manifest.write(self._folder)  # pictures may have changed since it was written
        rows = [
            row
            for batch in range(self._manifest.num_batches())
            for row in done.read(self._folder, batch).rows
        ]
        summary.write_csv(self._folder, rows)
        return rows

    def _write_lines(self, lines: Mapping[int, Row]) -> None:
        batch = min(lines) // self._manifest.batch_size
        first = self._manifest.rows(batch).start
        before = done.read(self._folder, batch).rows if batch in self._done else ()
        whole = {first + n: row for n, row in enumerate(before)} | dict(lines)
        self.write_done(batch, [whole[row] for row in sorted(whole)], self._store)

    def write_done(self, batch: int, rows: Sequence[Row], written: store.Writer) -> None:
        """Writes that a batch is done, with the digests of its files."""
        drawn = [row.picture for row in rows if row.status == "done" and self._manifest.sheets]
        sheets = [sheet_path(self._folder, picture) for picture in drawn]
        made = [*written.written(batch), *sheets]
        done.write(self._folder, batch, rows, made, self._lasting)
        self._done[batch] = tuple(row.digest for row in rows)

    def _write_sheets(self, found: Found) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(functools.partial(self._write_sheet, found), range(len(found.rows))))

    def _write_sheet(self, found: Found, n: int) -> None:
        explanation = found.explanation
        keep = None if explanation.keep is None else explanation.keep[n]
        made = tuple(panels.of_row(explanation.pictures, n).values())
        sheet = panels.contact_sheet(found.images[n], keep, explanation.saliency[n], made)
        png = io.BytesIO()
        Image.fromarray(sheet).save(png, format="PNG", compress_level=_COMPRESSION)
        path = sheet_path(self._folder, self._manifest.pictures[found.rows[n]])
        files.write_whole(path, png.getvalue())

    def _skipped(self, row: int, reason: str, digest: str) -> Row:
        picture = self._manifest.pictures[row]
        sheet_path(self._folder, picture).unlink(missing_ok=True)  # of what it was before
        return Row.skipped(picture, digest, reason)

    def _line(self, found: Found, arrays: Mapping[str, np.ndarray], n: int) -> Row:
        scalars = {
            name: _short(values[n])
            for name, values in arrays.items()
            if values.ndim == 1 and self._known[name].stored == "float32"
        }
        target = int(arrays[outputs.TARGET.name][n])
        predicted, seen = None, ""
        if PREDICTED.name in arrays:
            predicted = int(arrays[PREDICTED.name][n])
            num_classes = arrays[CLASS_LOG_ODDS.name].shape[1]
            seen = targets.decision_name(predicted, self._class_names, num_classes)
        return Row(
            picture=self._manifest.pictures[found.rows[n]],
            digest=found.digests[n],
            status="done",
            target=target,
            target_name=self._class_names[target] if self._class_names else "",
            predicted=predicted,
            predicted_name=seen,
            numbers=scalars,
        )


def sheet_path(folder: Path, picture: str) -> Path:
    """Where the sheet of a picture lies: of no other picture, whatever both are called.

    ``x.png`` has ``x.png``, ``x.jpg`` has ``x.jpg.png``, and ``x``, which could be taken for the
    first, ``x.sheet.png``.
    """
    *folders, name = picture.split("/")
    stem, suffix = os.path.splitext(name)
    within = os.path.splitext(stem)[1].lower()
    if suffix.lower() not in SUFFIXES:
        name = f"{name}.sheet.png"
    elif suffix != ".png" or within in SUFFIXES or within == ".sheet":
        name = f"{name}.png"
    return folder.joinpath(PICTURES, *folders, files.fitting(name))


def _arrays(found: Found) -> dict[str, np.ndarray]:
    """``{name: [n ...]}``."""
    return {IMAGES.name: np.stack(found.images), **found.explanation.named()}


def _short(number: float | np.floating) -> float | None:
    """As many digits as float32 has; JSON knows no NaN."""
    return float(f"{number:.6g}") if math.isfinite(number) else None
