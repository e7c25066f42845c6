"""One bootstrap for every metric: pictures are drawn again, and `Metric.reduce` is asked again.

Efron, Tibshirani, "An Introduction to the Bootstrap", 1993: percentile intervals (sec. 13.3). The
same draws serve all contestants, so that differences between them are paired by picture.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from xai_jax.core import metric as metrics_
from xai_jax.core.metric import Metric, Rows

LEVEL = 0.95
_AT_ONCE = 1 << 20  # drawn pictures that are held

Replicates = Float[np.ndarray, "r"]
PValues = Float[np.ndarray, "m"]


class Draws(NamedTuple):
    """What is drawn again.

    Fields:
        num: of resamples; 0: there are none.
        group_of: of a picture's name, whose it is: pictures of one patient, say, are drawn or left
            out together. ``None``: each is drawn by itself.
    """

    num: int
    group_of: Callable[[str], str] | None = None

    def groups(self, names: Sequence[str]) -> tuple[str, ...]:
        """Of pictures of these names; empty where each is drawn by itself."""
        return () if self.group_of is None else tuple(map(self.group_of, names))


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


def resampled(
    rows: Rows, metric: Metric, num: int, seed: int = 0, groups: Sequence[str] = ()
) -> dict[str, Replicates]:
    """Each column of a metric on `num` resamples of the pictures, ``{column: [num]}``.

    Args:
        rows: ``{row: [n ...]}`` of n pictures.
        metric: what reduces them.
        num: of resamples, each of n pictures with replacement.
        seed: of the draws, which depend on it, n and `num` alone.
        groups: the name of each picture's; then as many groups are drawn as there are, whole.
            Empty: each picture is one.
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in rows.items()}
    size = len(next(iter(arrays.values())))
    drawn = _draws_of_groups(groups, num, seed) if groups else _draws(size, num, seed)
    parts = [_reduced(arrays, metric, places) for places in drawn]
    found = {c.name: np.concatenate([part[c.name] for part in parts]) for c in metric.columns}
    if metric.of_pairs:
        value = metric.reduce(arrays)
        found = {
            name: made + value[name] - metrics_.defined_mean(made) for name, made in found.items()
        }
    return found


def _draws(size: int, num: int, seed: int) -> Iterator[Int[np.ndarray, "r n"]]:
    """`num` draws of `size` pictures, a part at a time."""
    rng, left = np.random.default_rng(seed), num
    most = max(_AT_ONCE // size, 1)
    while left:
        yield rng.integers(size, size=(min(most, left), size))
        left -= min(most, left)


def _draws_of_groups(
    groups: Sequence[str], num: int, seed: int
) -> Iterator[Int[np.ndarray, "r n"]]:
    """`num` draws of whole groups; rows that hold fewer pictures than the longest end in -1."""
    of_name: dict[str, list[int]] = {}
    for place, name in enumerate(groups):
        of_name.setdefault(name, []).append(place)
    members = list(of_name.values())
    longest = max(map(len, members))
    padded = np.array([own + [-1] * (longest - len(own)) for own in members])  # [g longest]
    for chosen in _draws(len(members), num, seed):
        places = padded[chosen].reshape(len(chosen), -1)
        places = np.take_along_axis(places, np.argsort(places < 0, axis=1, kind="stable"), axis=1)
        yield places[:, : int((places >= 0).sum(axis=1).max())]


def _reduced(rows: Rows, metric: Metric, places: np.ndarray) -> dict[str, np.ndarray]:
    if metric.reduce is metrics_.mean:  # all draws in one pass
        return {c.name: _means(rows[c.name], places) for c in metric.columns}
    found = [
        metric.reduce({name: v[drawn[drawn >= 0]] for name, v in rows.items()}) for drawn in places
    ]
    return {c.name: np.array([one[c.name] for one in found], np.float64) for c in metric.columns}


def _means(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """`core.metric.mean` of each draw, ``[r]``: over what is defined; place -1 is nothing."""
    drawn = np.append(values, np.nan)[places]  # [r n]
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
