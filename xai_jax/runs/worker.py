"""Batch after batch on the devices: what each picture comes to, and why others come to nothing."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import targets
from xai_jax.core.errors import BadPicture
from xai_jax.core.outputs import CLASS_LOG_ODDS, PREDICTED
from xai_jax.core.targets import class_log_odds
from xai_jax.core.types import Batch, Explanation
from xai_jax.runs import batch as batches
from xai_jax.runs.asked import Run
from xai_jax.runs.sources import Picture, Pictures
from xai_jax.runtime.mesh import place_replicated, place_split, replicated

_NOT_FINITE = (
    "Its explanation is not finite: the classifier answers NaN or infinity where a part is "
    "removed, or the learning rate is too high; look at its weights, or lower the rate."
)


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


class Worker:
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
                PREDICTED.name: targets.decisions(logits),
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
