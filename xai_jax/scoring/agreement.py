"""Whether two scores rank the contestants alike."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from xai_jax.core.metric import Column
from xai_jax.scoring.table import Table

Scores = Float[np.ndarray, "n"]


def kendall(one: Scores, other: Scores) -> float:
    """Kendall's tau-b of two scores of the same contestants, in [-1, 1].

    Kendall 1945: concordant less discordant pairs, over the geometric mean of those that are not
    tied in either. Contestants without both scores are left out; NaN for fewer than two, or where
    one score is the same for all.
    """
    known = ~(np.isnan(one) | np.isnan(other))
    above = np.triu_indices(int(known.sum()), 1)
    first, second = (np.sign(np.subtract.outer(x[known], x[known]))[above] for x in (one, other))
    untied = float((first != 0).sum()) * float((second != 0).sum())
    return float((first * second).sum()) / math.sqrt(untied) if untied else math.nan


def agreement(table: Table, columns: Sequence[str], rows: Sequence[str]) -> Table:
    """Tau of every two columns, a row and a column for each.

    Where the one is better the higher and the other the lower, 1 still says that both rank alike.

    Args:
        table: of all scores.
        columns: of which, by name.
        rows: the contestants that are ranked.
    """
    places = [table.rows.index(row) for row in rows]
    better = {c.name: -1.0 if c.better == "lower" else 1.0 for c in table.columns}
    known = {name: better[name] * table[name][places] for name in columns}
    heads = {c.name: c.head for c in table.columns}
    made = tuple(
        Column(name, heads[name], "neither", -1.0, 1.0, "", "Kendall 1945, tau-b", 2)
        for name in columns
    )
    values = {name: np.array([kendall(known[name], known[n]) for n in columns]) for name in columns}
    return Table(rows=tuple(columns), columns=made, values=values)
