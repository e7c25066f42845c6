"""Explains a folder of pictures, batch by batch, into a folder that a second start goes on with."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Frozen, MethodConfig
from xai_jax.core.targets import ChooseTarget, class_log_odds
from xai_jax.core.types import Explanation, PRNGKey, PyTree
from xai_jax.runs import record
from xai_jax.runs.batch import explain_batch, prepared
from xai_jax.runtime import files, summary
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.manifest import Manifest

_THREADS = 4  # that read pictures

Pictures = list[np.ndarray | BadPicture]  # of one batch, each [h w c] or the reason for its absence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """What a run computes with.

    Fields:
        frozen: classifier and infill.
        method: settings of the method.
        read: picture id -> ``[h w c]`` float32 unit pixels; raises `BadPicture`. Called in threads.
        image_shape: ``(h, w, c)`` of what `read` returns.
        target: the class to explain: one, one for each picture id, or how to choose it.
        class_names: by index; empty where they are not known.
        state: of a method that was trained; ``None`` for the others.
    """

    frozen: Frozen
    method: MethodConfig
    read: Callable[[str], np.ndarray]
    image_shape: tuple[int, int, int]
    target: int | Mapping[str, int] | ChooseTarget
    class_names: Sequence[str] = ()
    state: PyTree = None


@runtime_checkable
class Progress(Protocol):
    """Who is told how far a run is; see `runtime.progress`."""

    def start(self, total: int, done: int) -> None:
        """So many pictures in all, and so many of an earlier start."""

    def note(self, text: str) -> None:
        """What is being done."""

    def advance(self, pictures: int) -> None:
        """So many more pictures are on the disk."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counts:
    """How many pictures were explained and how many skipped, earlier starts included."""

    done: int
    skipped: int


def run(folder: Path, manifest: Manifest, job: Job, progress: Progress) -> Counts:
    """Explains what is not explained yet, and writes the summary.

    Killed at any moment, it leaves whole batches; started again, it ends with the same bytes as if
    it had not been killed. Memory is bounded by the batch size.

    Raises:
        ValueError: the folder holds another run or is in use, a target is outside the classes, or
            the classifier returns NaN or the wrong shape: before anything is written.
        OSError: the disk is full or read-only; whole batches stay.
    """
    _check_targets(job, manifest.batch_size)
    with files.held(folder):
        record.check_folder(folder, manifest)
        todo = [i for i in range(manifest.num_batches()) if not summary.is_done(folder, i)]
        left = sum(len(manifest.pictures[manifest.rows(i)]) for i in todo)
        progress.start(len(manifest.pictures), len(manifest.pictures) - left)
        if todo:
            progress.note("compiling, once")
        _explain_batches(folder, manifest, job, todo, progress)
        rows = record.write_summary(folder, manifest)
    done = sum(row.status == "done" for row in rows)
    return Counts(done=done, skipped=len(rows) - done)


def _check_targets(job: Job, batch_size: int) -> None:
    num_classes = job.frozen.classifier.num_classes(job.image_shape, batch_size)
    if callable(job.target):
        return
    classes = [job.target] if isinstance(job.target, int) else job.target.values()
    for target in classes:
        if not 0 <= target < num_classes:
            raise ValueError(
                f"Target {target} is outside the classifier's classes 0 to {num_classes - 1}."
            )


def _explain_batches(
    folder: Path, manifest: Manifest, job: Job, todo: Sequence[int], progress: Progress
) -> None:
    """Reads ahead of the device and writes behind it, one batch each."""
    recorder = record.Recorder(folder, manifest, job.class_names)
    key = jax.random.key(manifest.seed)

    def write(batch: int, reasons: dict[int, str], explained: record.Explained | None) -> None:
        progress.advance(recorder.write(batch, reasons, explained))

    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for batch, pictures in _read(manifest, job, todo):
            ids = manifest.pictures[manifest.rows(batch)]
            reasons, explained = _explained(job, key, manifest.batch_size, ids, pictures)
            if writing is not None:
                writing.result()  # raises what the disk had to say, and bounds what waits for it
            writing = writer.submit(write, batch, reasons, explained)
        if writing is not None:
            writing.result()


def _read(manifest: Manifest, job: Job, todo: Sequence[int]) -> Iterator[tuple[int, Pictures]]:
    """The pictures of each batch that is to do, at most one batch ahead."""

    def read(picture: str) -> np.ndarray | BadPicture:
        try:
            return job.read(picture)
        except BadPicture as reason:
            return reason

    ids = (picture for batch in todo for picture in manifest.pictures[manifest.rows(batch)])
    stream = map_ahead(read, ids, threads=_THREADS, ahead=manifest.batch_size + _THREADS)
    for batch in todo:
        rows = manifest.rows(batch)
        yield batch, [next(stream) for _ in range(rows.start, rows.stop)]


def _explained(
    job: Job, key: PRNGKey, size: int, ids: Sequence[str], pictures: Pictures
) -> tuple[dict[int, str], record.Explained | None]:
    """Why pictures of a batch are skipped, by place, and the explanations of the others."""
    reasons = {i: str(p) for i, p in enumerate(pictures) if isinstance(p, BadPicture)}
    good = [i for i in range(len(pictures)) if i not in reasons]
    if not good:
        return reasons, None
    images = np.stack([np.asarray(pictures[i]) for i in good])
    classifier = job.frozen.classifier
    batch, logits = prepared(classifier, images, _targets(job, ids, good), size)
    found = explain_batch(job.method, job.frozen, batch, key, job.state)
    explanation = jax.tree.map(np.asarray, found)
    finite = [n for n in range(len(good)) if _is_finite(explanation, n)]
    not_finite = set(range(len(good))) - set(finite)
    reasons |= {good[n]: "Its explanation is not finite; lower the step size." for n in not_finite}
    if not finite:
        return reasons, None
    # Of all rows, padding included: one shape, which compiles once.
    odds = class_log_odds(jnp.asarray(logits), classifier.head)
    return reasons, record.Explained(
        places=[good[n] for n in finite],
        images=images[finite],
        predicted=logits[finite].argmax(-1),
        class_log_odds=np.asarray(odds)[finite],
        explanation=jax.tree.map(lambda x: x[finite], explanation),
        class_names=job.class_names,
    )


def _is_finite(explanation: Explanation, row: int) -> bool:
    return bool(
        np.isfinite(explanation.keep[row]).all() and np.isfinite(explanation.saliency[row]).all()
    )


def _targets(job: Job, ids: Sequence[str], good: Sequence[int]) -> np.ndarray | ChooseTarget:
    if callable(job.target):
        return job.target
    one = job.target
    classes = [one if isinstance(one, int) else one[ids[i]] for i in good]
    return np.array(classes, np.int32)
