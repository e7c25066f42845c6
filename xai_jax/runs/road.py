"""The one road from pictures to explanations: whoever asks, wherever they come from and go to.

One rule for a picture's identity (the pixels that the network sees), one for its key, one place
where it stands in a batch: so the same picture, seed and settings give one explanation.
"""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from xai_jax.core import outputs
from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import numbered
from xai_jax.core.method import Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.outputs import CLASS_LOG_ODDS, PREDICTED, Output
from xai_jax.core.targets import ChooseTarget, class_log_odds
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.runs import batch as batches
from xai_jax.runs.sources import Picture, Pictures
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.mesh import place_replicated, place_split, replicated

_NOT_FINITE = (
    "Its explanation is not finite: the classifier answers NaN or infinity where a part is "
    "removed, or the learning rate is too high; look at its weights, or lower the rate."
)

Target = np.ndarray | ChooseTarget  # [n] of all pictures, or how to choose it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What a batch came to, on the host.

    Fields:
        rows: of the pictures that are explained.
        images: ``[h w c]`` unit pixels of each.
        explanation: NumPy arrays ``[r ...]``.
        digests: of what each picture was read from.
    """

    rows: Sequence[int]
    images: Sequence[np.ndarray]
    explanation: Explanation
    digests: Sequence[str]


@runtime_checkable
class Sink(Protocol):
    """Where explanations go: into memory, or onto the disk."""

    def begin(self, known: dict[str, Output]) -> Sequence[int]:
        """Is told what may come; answers which rows are not there yet, in order."""
        ...

    def write(
        self, skipped: dict[int, tuple[str, str]], found: Found | None, seconds: float
    ) -> None:
        """All asked-for rows of one batch: `skipped` ``{row: (reason, digest)}``, and the others.

        `seconds` were spent in the compiled call.
        """
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How a set of pictures is explained.

    Fields:
        inspector: who explains.
        target: the class of each picture, or how to choose it.
        key: of all randomness.
        batch_size: rows of a batch; bounds the memory.
        mesh: devices that share each batch; ``None``: the one where the weights are.
        metrics: what is measured of each picture.
        decisions: also the classifier's answer to the whole picture.
        image_shape: ``(h, w, c)`` of the pictures.
    """

    inspector: Inspector
    target: Target
    key: PRNGKey
    batch_size: int
    image_shape: tuple[int, int, int]
    mesh: Mesh | None = None
    metrics: Sequence[Metric] = ()
    decisions: bool = False

    @property
    def size(self) -> int:
        """Rows of the compiled call: the batch, filled up for the devices."""
        devices = 1 if self.mesh is None else self.mesh.size
        return -(-self.batch_size // devices) * devices

    def check(self) -> int:
        """Refuses what cannot be explained, before anything is compiled or written.

        Returns:
            The number of classes.

        Raises:
            ValueError: a target is outside the classes, the classifier answers no logits, or the
                method cannot explain it or such pictures.
        """
        classifier = self.inspector.frozen.classifier
        num_classes = classifier.num_classes(self.image_shape, self.size)
        batches.check_weights(self.inspector)
        batches.check_head(classifier.head, num_classes)
        self.inspector.frozen.infill.check((self.size, *self.image_shape))
        check = self.inspector.method.build().check
        if check is not None:
            check(self.inspector.frozen, (self.size, *self.image_shape))
        if callable(self.target):
            return num_classes
        wrong = self.target[(self.target < 0) | (self.target >= num_classes)]
        if len(wrong):
            raise ValueError(
                f"Target {wrong[0]} is outside the classifier's classes 0 to {num_classes - 1}."
            )
        return num_classes

    def known(self) -> dict[str, Output]:
        """All that may be said of a picture, by name."""
        own = list(batches.declared(self.inspector, self.metrics).values())
        extra = [CLASS_LOG_ODDS, PREDICTED] if self.decisions else []
        return outputs.by_name([*own, *extra])


def explain(run: Run, source: Pictures, sink: Sink) -> None:
    """Explains the rows of `source` that `sink` does not hold yet.

    Pictures are read ahead of the device, and results written behind it, one batch each: memory is
    bounded by the batch. A picture that cannot be read or explained is skipped by name, with its
    reason, and costs no other anything.

    Args:
        run: how; its `check` has passed.
        source: the pictures.
        sink: where the explanations go.

    Raises:
        ValueError: a target function answers a class that there is not, or the method something
            that it does not declare.
        OSError: the disk is full or read-only; whole batches stay.
    """
    known = run.known()
    todo = sink.begin(known)
    worker = _Worker(run, source)
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for rows, pictures in _read(run, source, todo):
            answer = worker(rows, pictures)
            if writing is not None:
                writing.result()  # raises what the disk had to say, and bounds what waits for it
            if rows[-1] == todo[-1]:
                sink.write(*answer)  # no batch to compute meanwhile
            else:
                writing = writer.submit(sink.write, *answer)


def _read(
    run: Run, source: Pictures, todo: Sequence[int]
) -> Iterator[tuple[Sequence[int], list[Picture | BadPicture]]]:
    """The pictures that are to do, batch by batch, at most one batch ahead."""
    batch_size, admit = run.batch_size, run.inspector.method.build().admit
    frozen = run.inspector.frozen

    def read(row: int) -> Picture | BadPicture:
        try:
            picture = source.read(row)
            known = numbered(frozen.generator, picture.known)
            if admit is not None:
                admit(frozen, known)
        except BadPicture as reason:
            return reason
        return dataclasses.replace(picture, known=known)

    groups: dict[int, list[int]] = {}
    for row in todo:
        groups.setdefault(row // batch_size, []).append(row)
    stream: Iterator[Picture | BadPicture] = map(read, todo)
    if source.threads:
        ahead = batch_size + source.threads
        stream = map_ahead(read, todo, threads=source.threads, ahead=ahead)
    for rows in groups.values():
        yield rows, [next(stream) for _ in rows]


class _Worker:
    """Explains batch after batch on the devices of a run."""

    def __init__(self, run: Run, source: Pictures) -> None:
        self._run, self._source = run, source
        self._inspector, self._key = run.inspector, run.key
        if run.mesh is not None:
            frozen, weights = run.inspector.frozen, run.inspector.weights
            self._inspector = dataclasses.replace(
                run.inspector,
                frozen=place_replicated(run.mesh, frozen),
                weights=place_replicated(run.mesh, weights),
            )
            self._key = jax.device_put(run.key, replicated(run.mesh))

    def __call__(
        self, rows: Sequence[int], read: Sequence[Picture | BadPicture]
    ) -> tuple[dict[int, tuple[str, str]], Found | None, float]:
        """Why rows are skipped, with the digest of each; the others explained; seconds it took."""
        pictures = dict(zip(rows, read, strict=True))
        reasons = {row: str(p) for row, p in pictures.items() if isinstance(p, BadPicture)}
        good = {row: p for row, p in pictures.items() if isinstance(p, Picture)}
        batch = self._batch(good)
        logits = self._logits(batch)
        if logits is not None:
            bad = [row for row in good if not np.isfinite(logits[self._place(row)]).all()]
            reasons |= dict.fromkeys(bad, self._reason(batches.BAD_LOGITS))
            good = {row: p for row, p in good.items() if row not in reasons}
            batch = self._batch(good) if bad else batch
        found, seconds = None, 0.0
        if batch is not None:
            explanation, finite, seconds = self._explained(good, batch, logits)
            found = self._finite(good, explanation, finite, reasons)
        # What cannot be read is recognised by its bytes all the same.
        digest = {
            row: good[row].digest if row in good else self._source.digest(row) for row in rows
        }
        return {row: (reasons[row], digest[row]) for row in sorted(reasons)}, found, seconds

    def _reason(self, sentence: str) -> str:
        return batches.reason(sentence, self._inspector.frozen.classifier)

    def _place(self, row: int) -> int:
        return row % self._run.batch_size

    def _batch(self, good: dict[int, Picture]) -> Batch | None:
        if not good:
            return None
        places = [self._place(row) for row in good]
        return batches.batch_of(list(good.values()), places, self._run.size)

    def _split(self, tree: Any) -> Any:
        return tree if self._run.mesh is None else place_split(self._run.mesh, tree)

    def _logits(self, batch: Batch | None) -> np.ndarray | None:
        """``[size k]`` where somebody wants to know; ``None``: the classifier is not asked."""
        if batch is None or not (callable(self._run.target) or self._run.decisions):
            return None
        images = self._split(batch.images)
        return batches.checked_logits(self._inspector.frozen.classifier, images)

    def _explained(
        self, good: dict[int, Picture], batch: Batch, logits: np.ndarray | None
    ) -> tuple[Explanation, np.ndarray, float]:
        """Of the good pictures, on the host; which are finite; seconds of the compiled call."""
        run = self._run
        batch = dataclasses.replace(batch, target=self._targets(good, batch, logits))
        placed = self._split(batch)
        started = time.perf_counter()
        answer, finite = batches.explain_batch(self._inspector, placed, self._key, run.metrics)
        jax.block_until_ready(answer)
        seconds = time.perf_counter() - started
        explanation = batches.on_host(answer)
        if run.decisions and logits is not None:
            odds = class_log_odds(jnp.asarray(logits), run.inspector.frozen.classifier.head)
            decisions = {
                CLASS_LOG_ODDS.name: np.asarray(odds),
                PREDICTED.name: logits.argmax(axis=1).astype(np.int32),
            }
            numbers = {**explanation.numbers, **decisions}
            explanation = dataclasses.replace(explanation, numbers=numbers)
        places = [self._place(row) for row in good]
        return batches.taken(explanation, places), np.asarray(finite)[places], seconds

    def _targets(
        self, good: dict[int, Picture], batch: Batch, logits: np.ndarray | None
    ) -> np.ndarray:
        """``[size]``; a place without a picture is asked what its copy's row is asked."""
        target = self._run.target
        names = {self._place(row): self._source.names[row] for row in good}
        if callable(target):
            assert logits is not None  # `_logits` has asked
            return batches.chosen(target, logits, batch.labels, names)
        of_places = np.full(self._run.size, target[next(iter(good))], np.int32)
        for row in good:
            of_places[self._place(row)] = target[row]
        return of_places

    def _finite(
        self,
        good: dict[int, Picture],
        explanation: Explanation,
        finite: np.ndarray,
        reasons: dict[int, str],
    ) -> Found | None:
        """What is finite of an explanation; `reasons` gets the rest."""
        reasons |= {
            row: self._reason(_NOT_FINITE)
            for row, is_one in zip(good, finite, strict=True)
            if not is_one
        }
        kept = np.flatnonzero(finite)
        if not len(kept):
            return None
        rows = [row for row in good if row not in reasons]
        return Found(
            rows=rows,
            images=[good[row].image for row in rows],
            explanation=batches.taken(explanation, kept),
            digests=[good[row].digest for row in rows],
        )
