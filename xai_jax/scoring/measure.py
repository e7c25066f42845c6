"""The only scoring loop: any masks by any metrics, and nothing that was scored already."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Frozen, Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree
from xai_jax.runs.batch import Static
from xai_jax.scoring.record import Record, Scored, settings_of
from xai_jax.scoring.stage import Arrays, Stage

Values = dict[str, np.ndarray]  # {row: [...]} of one picture
NOBODY = "It asks the method again, and no method has made these masks."
FEW = "It needs {least:,} pictures and there are {num:,}; score more of them, or leave it out."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Masks:
    """What is scored.

    Fields:
        frozen: what the metrics read.
        rows: of the data, that are asked for.
        draw: ``(data rows, batch) -> Explanation`` of a batch on the host.
        explained: a digest of what the masks of a data row are made of.
        skipped: why data rows have no masks.
        counts: whether a picture counts.
        inspector: who explained; ``None`` where nobody did.
    """

    frozen: Frozen
    rows: Sequence[int]
    draw: Callable[[Sequence[int], Batch], Explanation]
    explained: Callable[[int], str]
    skipped: Mapping[int, str] = dataclasses.field(default_factory=dict)
    counts: Callable[[Arrays], bool] = lambda arrays: True
    inspector: Inspector | None = None


def measured(
    masks: Masks,
    metrics: Sequence[Metric],
    stage: Stage,
    before: Record,
    advance: Callable[[int], None] = lambda more: None,
) -> Record:
    """`before` with the scores of what has changed since; memory is bounded by the batch.

    A picture that cannot be read costs no other anything, and a metric that says in a ValueError
    that it cannot judge this contestant costs no other metric anything: its numbers are missing.
    So are those of a metric that needs more pictures than there are, which measures none of them.

    Args:
        masks: of which rows.
        metrics: all that are wanted.
        stage: on what.
        before: what an earlier start has scored.
        advance: is told how many more pictures are scored.
    """
    tally = _Tally(masks, metrics, stage, before)
    for read in stage.read(tally.todo):
        tally.add(read)
        advance(len(read))
    return tally.record()


class _Tally:
    """The scores of one contestant, as they come."""

    def __init__(
        self, masks: Masks, metrics: Sequence[Metric], stage: Stage, before: Record
    ) -> None:
        self._masks, self._metrics, self._stage, self._before = masks, metrics, stage, before
        self._known: dict[int, Scored] = {row: self._about(row) for row in masks.rows}
        self._found: list[dict[int, Values]] = [{} for _ in metrics]
        num = sum(about.has_scores for about in self._known.values())
        self._failed = [
            FEW.format(least=metric.least, num=num) if num < metric.least else ""
            for metric in metrics
        ]
        self._take_over()
        self.todo = [row for row in masks.rows if self._wants(row)]

    def _about(self, row: int) -> Scored:
        known = self._stage.known[row]
        return Scored(
            name=known.name,
            picture=known.picture,
            truth=known.truth,
            explained=self._masks.explained(row),
            reason=self._masks.skipped.get(row, ""),
        )

    def _take_over(self) -> None:
        """What was scored on the same, by the same metrics."""
        old = {picture.name: picture for picture in self._before.pictures}
        places = {name: n for n, name in enumerate(self._before.names)}
        blocks = {
            str(block["settings"]): block["rows"]
            for block in self._before.metrics
            if not block["failed"]
        }
        for row, about in self._known.items():
            earlier = old.get(about.name)
            if earlier is None or not about.like(earlier) or about.reason or earlier.reason:
                continue
            self._known[row] = earlier
            if not earlier.counts:
                continue
            for metric, found in zip(self._metrics, self._found, strict=True):
                block = blocks.get(str(settings_of(metric)))
                if block is not None:
                    place = places[about.name]
                    found[row] = {name: values[place] for name, values in block.items()}

    def _wants(self, row: int) -> bool:
        lacks = any(
            not failed and row not in found
            for failed, found in zip(self._failed, self._found, strict=True)
        )
        return self._known[row].has_scores and lacks

    def add(self, read: Mapping[int, Arrays | BadPicture]) -> None:
        """One more batch of what is to do."""
        good: dict[int, Arrays] = {}
        for row, arrays in read.items():
            if isinstance(arrays, BadPicture):
                self._known[row] = dataclasses.replace(self._known[row], reason=str(arrays))
            elif not self._masks.counts(arrays):
                self._known[row] = dataclasses.replace(self._known[row], counts=False)
            else:
                good[row] = arrays
        if good:
            self._measure(good)

    def _measure(self, good: Mapping[int, Arrays]) -> None:
        stage, rows = self._stage, list(good)
        batch = stage.batch(list(good.values()))
        explanation = self._masks.draw(rows, batch)
        frozen = stage.placed_frozen(self._masks.frozen)
        placed = frozen, stage.split(batch), stage.split(explanation)
        for place, (metric, found) in enumerate(zip(self._metrics, self._found, strict=True)):
            if self._failed[place] or all(row in found for row in rows):
                continue
            try:
                values = self._values(metric, *placed)
            except ValueError as error:
                self._failed[place] = str(error)
                continue
            whole = {name: np.asarray(array) for name, array in values.items()}
            for n, row in enumerate(rows):
                found[row] = {name: array[n] for name, array in whole.items()}

    def _values(
        self, metric: Metric, frozen: Frozen, batch: Batch, explanation: Explanation
    ) -> dict[str, Any]:
        inspector = self._masks.inspector
        if metric.asks and inspector is None:
            raise ValueError(NOBODY)
        config, weights = None, ()
        if metric.asks and inspector is not None:
            config, weights = inspector.method, self._stage.placed(inspector.weights)
        static = Static(config, ((metric.measure, metric.asks),))
        given = weights, metric.params, frozen, batch, explanation, self._stage.key
        found: dict[str, Any] = _measured(static, *given)
        return found

    def record(self) -> Record:
        """`before` with everything that is known now."""
        scored = [row for row, about in self._known.items() if about.has_scores]
        blocks: list[dict[str, Any]] = []
        for metric, found, failed in zip(self._metrics, self._found, self._failed, strict=True):
            rows = {
                row.name: np.array([found[n][row.name] for n in scored], np.float64)
                for row in metric.rows
                if not failed
            }
            blocks.append({"settings": settings_of(metric), "rows": rows, "failed": failed})
        return dataclasses.replace(
            self._before, pictures=tuple(self._known.values()), metrics=blocks
        )


@functools.partial(jax.jit, static_argnums=0)
def _measured(
    static: Static,
    weights: PyTree,
    params: PyTree,
    frozen: Frozen,
    batch: Batch,
    explanation: Explanation,
    key: PRNGKey,
) -> dict[str, Any]:
    ((measure, asks),) = static.measures
    explain_key, measure_key = jax.random.split(key)  # as `runs.batch` splits it
    given = params, frozen, batch, explanation, measure_key
    if not asks:
        return measure(*given)
    method = static.config.build()
    return measure(
        *given, lambda frozen, batch: method.explain(weights, frozen, batch, explain_key)
    )
