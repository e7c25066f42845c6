"""Whether metrics can score what methods explain, asked of shapes before anything is explained."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.generator import region_names
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Metric
from xai_jax.core.outputs import CLASS, REGION, Output
from xai_jax.core.types import Batch, Explanation, PRNGKey, PyTree
from xai_jax.metrics.specificity import COMPARED_KEEP
from xai_jax.metrics.tiles import TRUE_KEEP
from xai_jax.scoring.stage import Stage
from xai_jax.scoring.table import MILLISECONDS, PASSES, PICTURES

_ANY = 1  # length of an axis that nobody knows before something is explained


def check(
    metrics: Sequence[Metric],
    stage: Stage,
    frozen: Frozen,
    batch: Batch,
    declared: Sequence[Output] = (),
) -> None:
    """Asks every metric for the shapes of its rows, and runs nothing.

    Args:
        metrics: all that are wanted.
        stage: on what.
        frozen: what they read.
        batch: shapes.
        declared: by the methods that are scored, whose pictures and numbers a metric may want.

    Raises:
        ValueError: a metric wants what the data does not have, or does not answer its rows.
    """
    outputs.by_name(row for metric in metrics for row in metric.rows)
    names = [PICTURES.name, MILLISECONDS.name, PASSES.name]
    names += [c.name for metric in metrics for c in metric.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"Two columns are called {twice!r}; leave one metric out, or rename it.")
    explanation = _abstract(metrics, stage, frozen, batch, declared)
    for metric in metrics:
        given = metric.params, frozen, batch, explanation, stage.key
        found = jax.eval_shape(functools.partial(_by_itself, metric), *given)
        shapes = {name: len(values.shape) for name, values in found.items()}
        wanted = {row.name: 1 + len(row.axes) for row in metric.rows}
        if shapes != wanted:
            raise ValueError(
                f"A metric measures {shapes} (axes by row) where it declares {wanted}; make its "
                "rows say what it measures."
            )


def check_decisions(methods: Mapping[str, Any], metrics: Sequence[Metric]) -> None:
    """Holds metrics that count decisions to the class whose presence a method turns.

    Args:
        methods: settings of each contestant, of which some have a `decided_class`.
        metrics: all that are wanted; `measure` of some has one, too.

    Raises:
        ValueError: they are not the same; names both.
    """
    for name, method in methods.items():
        turned = getattr(method, "decided_class", None)
        for metric in metrics:
            counted = getattr(metric.measure, "decided_class", None)
            if turned is not None and counted is not None and turned != counted:
                raise ValueError(
                    f"{name} turns the decision of class {turned}, and {metric.columns[0].name} "
                    f"counts that of class {counted}; give both the same decided_class."
                )


def _abstract(
    metrics: Sequence[Metric],
    stage: Stage,
    frozen: Frozen,
    batch: Batch,
    declared: Sequence[Output],
) -> Explanation:
    """The shapes of what metrics are shown; arguments as those of `check`."""
    sides = batch.images.shape[:3]
    one = jax.ShapeDtypeStruct((*sides, 1), np.float32)
    compared = jax.ShapeDtypeStruct((*sides, len(stage.classes)), np.float32)
    maps = {COMPARED_KEEP.name: compared} if stage.classes else {}
    if any(metric.per_class for metric in metrics):
        every = jax.ShapeDtypeStruct((*sides, stage.num_classes), np.float32)
        maps[TRUE_KEEP.name] = every
    lengths = {CLASS: stage.num_classes, REGION: len(region_names(frozen.generator))}

    def several(output: Output) -> list[int]:
        return [lengths.get(axis, _ANY) for axis in output.axes[:-3]]

    pictures = {
        output.name: jax.ShapeDtypeStruct(
            (sides[0], *several(output), *batch.images.shape[1:]), np.float32
        )
        for output in declared
        if output.kind == "picture"
    }
    numbers = {
        output.name: jax.ShapeDtypeStruct(
            (sides[0], *(lengths.get(axis, _ANY) for axis in output.axes)), np.float32
        )
        for output in declared
        if output.kind == "number"
    }
    return Explanation(
        target=batch.target,
        saliency=one,
        keep=one,
        maps=maps,
        pictures=pictures,
        numbers=numbers,
    )


def _by_itself(
    metric: Metric,
    params: PyTree,
    frozen: Frozen,
    batch: Batch,
    explanation: Explanation,
    key: PRNGKey,
) -> dict[str, Any]:
    """What a metric measures; the method that it may ask always says the same."""
    more = ((lambda frozen, batch: explanation),) if metric.asks else ()
    found: dict[str, Any] = metric.measure(params, frozen, batch, explanation, key, *more)
    return found
