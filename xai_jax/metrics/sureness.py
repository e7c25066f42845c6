"""How surely counterfactuals flip, and how many pictures do so before any change."""

import dataclasses
import functools
import math

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier, check_num_classes
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.targets import away
from xai_jax.core.types import Batch, Explanation, PerExample, PRNGKey
from xai_jax.metrics.counterfactuals import begun, counterfactual, log_odds, turned

_LEAST = {"75": math.log(3.0), "95": math.log(19.0)}  # log-odds of these probabilities, in percent
_ORACLE = "oracle_"


def surely(oracle: Classifier | None = None, decided_class: int | None = 0) -> Metric:
    """How often the other decision has a probability of 75 and of 95 % or more.

    Beside each rate the same of what stands for the picture before any change
    (`counterfactuals.begun`), which says how much of it is no merit of the change; of a method that
    draws nothing before, it is NaN. Flips at 50 %, the success that STEEX's paper counts (specs:
    steex, sec. 2.4), and newly, are `counterfactuals.flips`; the other two levels are ours.

    Args:
        oracle: a classifier of the same classes that was trained by itself, which is asked the
            same; pictures that it decides otherwise than the explained one are left out of its
            rates. ``None``: nobody else is asked.
        decided_class: see `counterfactuals.flips`.
    """
    asked = ("",) if oracle is None else ("", _ORACLE)
    return Metric(
        measure=_Surely(decided_class=decided_class),
        rows=tuple(row for prefix in asked for row in _rows(prefix)),
        columns=tuple(column for prefix in asked for column in _columns(prefix)),
        params=oracle,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Surely:
    decided_class: int | None

    def __call__(
        self,
        params: Classifier | None,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, PerExample]:
        del key
        ask = functools.partial(log_odds, decided=self.decided_class, explained=explanation.target)
        odds = ask(frozen.classifier, batch.images)
        toward = jnp.where(jnp.isnan(odds), jnp.nan, away(odds))
        made, begin = counterfactual(explanation), begun(batch, explanation)
        found: dict[str, PerExample] = {}
        for prefix, judge in (("", frozen.classifier), (_ORACLE, params)):
            if judge is None:
                continue
            counts = jnp.ones_like(toward)
            if prefix:
                check_num_classes(judge, frozen.classifier, batch.images.shape[1:])
                agrees = turned(ask(judge, batch.images), odds) == 0.0
                counts = jnp.where(agrees, 1.0, jnp.nan)
            gained = toward * ask(judge, made)
            before = jnp.full_like(gained, jnp.nan) if begin is None else toward * ask(judge, begin)
            found[f"{prefix}already_flips"] = _reached(before, 0.0) * counts
            for percent, least in _LEAST.items():
                found[f"{prefix}flips_{percent}"] = _reached(gained, least) * counts
                found[f"{prefix}already_flips_{percent}"] = _reached(before, least) * counts
        return found


def _reached(gained: PerExample, least: float) -> PerExample:
    """1 where it is above 0 and not below `least`, else 0; NaN stays."""
    enough = (gained > 0) & (gained >= least)
    return jnp.where(jnp.isnan(gained), jnp.nan, enough.astype(jnp.float32))


def _rows(prefix: str) -> tuple[Output, ...]:
    who = "the oracle" if prefix else "the classifier"
    rows = [
        outputs.number(
            f"{prefix}already_flips",
            "0 or 1",
            f"Whether {who} decides the picture the other way before any change; NaN: none is "
            "drawn.",
        )
    ]
    for percent in _LEAST:
        rows += [
            outputs.number(
                f"{prefix}flips_{percent}",
                "0 or 1",
                f"Whether {who} gives the other decision {percent} % or more.",
            ),
            outputs.number(
                f"{prefix}already_flips_{percent}", "0 or 1", "The same before any change."
            ),
        ]
    return tuple(rows)


def _columns(prefix: str) -> tuple[Column, ...]:
    who = "oracle, " if prefix else ""
    columns = [_rate(f"{prefix}already_flips", f"{who}reconstruction flips %", "lower")]
    for percent in _LEAST:
        columns += [
            _rate(f"{prefix}flips_{percent}", f"{who}at p 0.{percent} %", "higher"),
            _rate(
                f"{prefix}already_flips_{percent}",
                f"{who}reconstruction at 0.{percent} %",
                "lower",
            ),
        ]
    return tuple(columns)


def _rate(name: str, head: str, better: str) -> Column:
    return Column(name, head, better, 0.0, 1.0, "%", "ours", 1)  # type: ignore[arg-type]
