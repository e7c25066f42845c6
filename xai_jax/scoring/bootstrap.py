"""One bootstrap for every metric: pictures are drawn again, and `Metric.reduce` is asked again.

Efron, Tibshirani, "An Introduction to the Bootstrap", 1993: percentile intervals (sec. 13.3). The
same draws serve all contestants, so that differences between them are paired by picture.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from xai_jax.core import metric as metrics_
from xai_jax.core.metric import Metric, Rows

LEVEL = 0.95
_AT_ONCE = 1 << 20  # drawn pictures that are held

Replicates = Float[np.ndarray, "r"]
PValues = Float[np.ndarray, "m"]


class Difference(NamedTuple):
    """How much more one contestant has than another on the same pictures.

    Fields:
        value: of the means.
        low, high: of the interval.
        p: chance of a resampled difference at least as far on the other side of 0, two-sided; not
            below ``2 / (r + 1)`` of r resamples. NaN where one of the two is not defined.
    """

    value: float
    low: float
    high: float
    p: float


def resampled(rows: Rows, metric: Metric, num: int, seed: int = 0) -> dict[str, Replicates]:
    """Each column of a metric on `num` resamples of the pictures, ``{column: [num]}``.

    Args:
        rows: ``{row: [n ...]}`` of n pictures.
        metric: what reduces them.
        num: of resamples, each of n pictures with replacement.
        seed: of the draws, which depend on it, n and `num` alone.
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in rows.items()}
    size = len(next(iter(arrays.values())))
    parts = [_reduced(arrays, metric, places) for places in _draws(size, num, seed)]
    return {c.name: np.concatenate([part[c.name] for part in parts]) for c in metric.columns}


def _draws(size: int, num: int, seed: int) -> Iterator[Int[np.ndarray, "r n"]]:
    """`num` draws of `size` pictures, a part at a time."""
    rng, left = np.random.default_rng(seed), num
    most = max(_AT_ONCE // size, 1)
    while left:
        yield rng.integers(size, size=(min(most, left), size))
        left -= min(most, left)


def _reduced(rows: Rows, metric: Metric, places: np.ndarray) -> dict[str, np.ndarray]:
    if metric.reduce is metrics_.mean:  # all draws in one pass
        return {c.name: _means(rows[c.name], places) for c in metric.columns}
    found = [metric.reduce({name: v[drawn] for name, v in rows.items()}) for drawn in places]
    return {c.name: np.array([one[c.name] for one in found], np.float64) for c in metric.columns}


def _means(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """`core.metric.mean` of each draw, ``[r]``: over what is defined."""
    drawn = values[places]  # [r n]
    known = ~np.isnan(drawn)
    count = known.sum(axis=1)
    total = np.where(known, drawn, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interval(replicates: Replicates, level: float = LEVEL) -> tuple[float, float]:
    """Between the quantiles that leave ``(1 - level) / 2`` on each side.

    Over the resamples in which the column is defined; NaN without any.
    """
    known = replicates[~np.isnan(replicates)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def difference(value: float, one: Replicates, other: Replicates) -> Difference:
    """Of two contestants on the same draws.

    Args:
        value: the difference itself, ``one - other``.
        one: replicates of the one.
        other: of the other, draw by draw.
    """
    gaps = one - other
    gaps = gaps[~np.isnan(gaps)]
    if not len(gaps) or np.isnan(value):
        return Difference(value, *interval(gaps), float("nan"))
    beyond = min((gaps <= 0).sum(), (gaps >= 0).sum())
    return Difference(value, *interval(gaps), min(1.0, 2.0 * (1 + beyond) / (1 + len(gaps))))


def holm(p: PValues) -> PValues:
    """Values of p, corrected for their number (Holm 1979), in [0, 1]; NaN counts for none.

    An adjusted value at or below alpha is significant while the chance of any false one among all
    is at most alpha.
    """
    found = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int((~np.isnan(p)).sum())]  # NaN is last
    steps = p[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return found
