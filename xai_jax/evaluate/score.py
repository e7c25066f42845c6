"""The only scoring loop: each contestant on the same pictures; one that is done stays done."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.content import as_json
from xai_jax.core.types import Batch
from xai_jax.evaluate import record, tables
from xai_jax.evaluate.baselines import Truth, baselines
from xai_jax.evaluate.classified import classified
from xai_jax.evaluate.columns import NAMES, probabilities, scores, without_needless_weights
from xai_jax.evaluate.drawing import Drawing
from xai_jax.evaluate.evaluation import Contestant, Evaluation
from xai_jax.evaluate.record import Record
from xai_jax.evaluate.stage import Stage, fingerprint
from xai_jax.evaluate.state import state_of
from xai_jax.runtime import config_file, files
from xai_jax.runtime.progress import Progress


def score(
    evaluation: Evaluation, workdir: Path, devices: Sequence[jax.Device] | None = None
) -> Path:
    """Scores every contestant that `workdir` does not hold yet, and writes the tables.

    Killed at any moment and started again, it ends with the same bytes but for the milliseconds.
    Contestants may be added to an evaluation. It writes ``config.json``, ``classifier.json``,
    ``contestants/NAME.json`` and the tables, of which it returns the path of ``scores.md``.

    Args:
        evaluation: who, on what.
        workdir: the scores' folder.
        devices: to compute on; by default all.

    Raises:
        ValueError: the data does not fit the classifier or has nothing to score against, a trained
            file is missing or of another network, or the folder holds another evaluation or a
            process that writes: before anything is written.
        OSError: the disk is full or read-only; whole files stay.
    """
    workdir = Path(workdir).absolute()
    stage = Stage(evaluation, devices)
    shared = dataclasses.replace(evaluation, contestants={})
    whole = {"evaluation": shared, "frozen": stage.fingerprint}
    config_file.check(workdir, whole)
    entries = [
        _Entry(name, contestant, stage, workdir)
        for name, contestant in _contestants(evaluation).items()
    ]
    with files.held(workdir), Progress("scoring", "pictures") as progress:
        config_file.write(workdir, whole)
        progress.note("classifying")
        classifier = classified(workdir, stage)
        records = {}
        for entry in entries:
            found = entry.record or _scored(entry, stage, classifier.shown, progress)
            if found is None:
                continue
            if entry.record is None:
                found.write(workdir, entry.name)
            records[entry.name] = found
        return tables.write(workdir, evaluation, classifier, records)


def _contestants(evaluation: Evaluation) -> dict[str, Contestant]:
    """All rows of the table, in order.

    Raises:
        ValueError: a name is taken, or cannot name a file.
    """
    known = baselines()
    for name in evaluation.contestants:
        if name in known:
            raise ValueError(f"The row {name!r} comes by itself; name that contestant otherwise.")
        if not name or "/" in name or name.startswith("."):
            raise ValueError(f"{name!r} cannot be the name of a contestant, since it names a file.")
    return {**evaluation.contestants, **known}


class _Entry:
    """A contestant that may be scored already."""

    def __init__(self, name: str, contestant: Contestant, stage: Stage, workdir: Path) -> None:
        self.name, self.contestant = name, contestant
        self.state = state_of(name, contestant, stage)
        self.settings = as_json({"contestant": contestant, "state": fingerprint(self.state)})
        self.record = record.read(workdir, name, self.settings)


def _scored(entry: _Entry, stage: Stage, num_shown: int, progress: Progress) -> Record | None:
    """The scores of one contestant; memory is bounded by the batch, but for the numbers.

    ``None`` for the truth where no picture has one: where all that was drawn is void.
    """
    limit, is_truth = entry.contestant.num_pictures, isinstance(entry.contestant.method, Truth)
    progress.note(f"{entry.name}: compiling")
    drawing = Drawing(entry.contestant, entry.state, stage)
    progress.start(num_shown if limit is None else min(limit, num_shown), 0)
    progress.note(f"{entry.name}: drawing masks")
    tally = _Tally(stage, entry.contestant.num_specific)
    for batch in stage.batches(limit, shown=True, drawn=is_truth):
        if batch.weight.any():
            tally.add(batch, drawing)
            progress.advance(int(batch.weight.sum()))
    if tally.is_empty:
        return None
    return Record(
        settings=entry.settings,
        device=stage.device,
        milliseconds=drawing.milliseconds,
        **tally.numbers(),
    )


class _Tally:
    """The numbers of one contestant, as they come."""

    def __init__(self, stage: Stage, num_specific: int | None) -> None:
        self._stage = stage
        self._classes = jnp.array(stage.evaluation.classes, jnp.int32)
        self._left = np.inf if num_specific is None else num_specific
        self._pictures: list[np.ndarray] = []
        self._scores: list[dict[str, np.ndarray]] = []
        self._specific: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, batch: Batch, drawing: Drawing) -> None:
        """One more batch."""
        counts = batch.weight > 0
        is_in = np.asarray(batch.labels)[:, list(self._stage.evaluation.classes)] > 0  # [b n]
        specific = counts & (np.cumsum(counts) <= self._left) & is_in.any(axis=1)
        self._left -= counts.sum()
        masks = drawing(batch, specific)
        frozen = self._stage.frozen
        placed = self._stage.split(without_needless_weights(batch))
        found = scores(frozen, placed, self._stage.split(masks[..., :1]), self._stage.key)
        self._pictures.append(np.asarray(batch.image_id)[counts])
        self._scores.append({name: np.asarray(found[name])[counts] for name in NAMES})
        if specific.any():
            of_classes = self._stage.split(masks[..., 1:])
            probs = probabilities(frozen.classifier, placed.images, of_classes, self._classes)
            ids = np.asarray(batch.image_id)[specific]
            shown = is_in[specific].astype(np.float32)
            self._specific.append((ids, shown, np.asarray(probs)[specific]))

    @property
    def is_empty(self) -> bool:
        """Whether no picture was added."""
        return not self._pictures

    def numbers(self) -> dict[str, Any]:
        """The fields of a `Record`."""
        columns = {name: [part[name] for part in self._scores] for name in NAMES}
        ids, is_in, probs = zip(*self._specific, strict=True) if self._specific else ([], [], [])
        return {
            "pictures": _listed(self._pictures),
            "scores": {name: _listed(parts) for name, parts in columns.items()},
            "specific_pictures": _listed(ids),
            "is_in": _listed(is_in),
            "probabilities": _listed(probs),
        }


def _listed(parts: Sequence[np.ndarray]) -> list:
    return [row for part in parts for row in part.tolist()]
