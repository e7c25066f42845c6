"""A score of explanations: numbers a picture, and the columns of a table that they become."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from xai_jax.core.outputs import Output
from xai_jax.core.types import Batch, Explanation, PyTree

Rows = Mapping[str, np.ndarray]  # {row: [n ...]} of n pictures, on the host


class Column(NamedTuple):
    """One column of a table.

    Fields:
        name: in snake_case.
        head: for people.
        better: which way is better; "neither" for what only describes.
        low, high: of its range; infinite where there is no bound.
        unit: "" for a plain number; "%" is shown times 100.
        source: the paper, with its equation.
        digits: after the point, where it is shown.
    """

    name: str
    head: str
    better: Literal["higher", "lower", "neither"]
    low: float
    high: float
    unit: str
    source: str
    digits: int = 3


MeasureFn = Callable[..., dict[str, Any]]
AskFn = Callable[[Any, Batch], Explanation]  # (frozen, batch): the method once more


def mean(rows: Rows) -> dict[str, float]:
    """The mean of each row over the pictures in which it is defined (not NaN)."""
    return {name: defined_mean(values) for name, values in rows.items()}


def defined_mean(values: np.ndarray) -> float:
    """Of what is not NaN; NaN where all is."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return math.fsum(known) / len(known) if len(known) else math.nan


class Metric(NamedTuple):
    """A score.

    A metric of single pictures is averaged; one of a set (an area under a curve of all pictures, a
    distance of two distributions) brings its own `reduce`. A bootstrap resamples the rows and calls
    `reduce` again.

    Fields:
        measure: ``(params, frozen, batch, explanation, key) -> {row: [b ...]}``; pure, each picture
            by itself; NaN where it is not defined.
        rows: declares what it measures of each picture.
        columns: declares what `reduce` makes of them.
        reduce: ``{row: [n ...]} -> {column: number}``, on the host.
        params: what `measure` reads, arrays; an argument of compiled code.
        asks: whether `measure` asks the method again: its sixth argument is then
            ``explain(frozen, batch) -> Explanation``, with the randomness of the explanation that
            it judges. What nobody explained, a mask that is given, has no such score.
        of_pairs: whether it compares pictures with each other, so that one that is drawn twice, and
            is like itself, biases it: a bootstrap moves its replicates back, mean on value.
        per_class: whether it reads ``maps["true_keep"]``, which is made only where one does.
        ranks: whether it goes by the order of a map's pixels; maps that have none, being the same
            everywhere, are then counted beside it, and warned of (`metrics.evidence_maps`).
        least: pictures below which it says nothing: of fewer it is not measured at all.
    """

    measure: MeasureFn
    rows: tuple[Output, ...]
    columns: tuple[Column, ...]
    reduce: Callable[[Rows], dict[str, float]] = mean
    params: PyTree = None
    asks: bool = False
    of_pairs: bool = False
    per_class: bool = False
    ranks: bool = False
    least: int = 0
