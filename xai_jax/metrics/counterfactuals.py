"""Counterfactual pictures as scores: do they flip the decision, and how near are they?"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier, check_num_classes
from xai_jax.core.decision import check_known
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows, defined_mean
from xai_jax.core.outputs import COUNTERFACTUAL, STABLE, Output
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PerExample, PRNGKey

CHANGED = 0.1  # unit pixels: a pixel that differs by more counts as changed
RECONSTRUCTION, GENERATED = "reconstruction", "generated"  # of `methods.steex`


def flips(oracle: Classifier | None = None, decided_class: int | None = 0) -> Metric:
    """Flip and keep rates, and how far the counterfactual picture is from the picture.

    A counterfactual whose picture before any change (see `begun`) is decided the other way already
    explains nothing: `flipped` counts it, as is published, and `newly_flips` does not.

    Where there is an oracle, a classifier that was trained by itself, also how often it finds the
    counterfactual on the other side, and the picture before any change on the same one: what fools
    the explained classifier alone is an adversarial example. Pictures that it decides otherwise
    than the explained classifier to begin with are on that other side for it, whatever is done;
    both rates leave them out, and `oracle_agrees` says how many are left. SyCE's authors ask the
    explained classifier alone (specs: generative, sec. 6.2): all that an oracle says is ours.

    Args:
        oracle: of the same classes, or it is refused; ``None``: nobody else is asked.
        decided_class: the class whose presence (log-odds of 0 or more) is the decision; ``None``:
            that which is explained, of methods that turn any.
    """
    rows: tuple[Output, ...] = _FLIP_ROWS
    columns: tuple[Column, ...] = _FLIP_COLUMNS
    if oracle is not None:
        rows, columns = (*rows, *_ORACLE_ROWS), (*columns, *_ORACLE_COLUMNS)
    measure = _Flips(decided_class=decided_class)
    return Metric(measure=measure, rows=rows, columns=columns, reduce=_by_side, params=oracle)


def area_change(threshold: float = 0.1) -> Metric:
    """Whether counterfactuals also change how much of the picture is not dark: a brain, say.

    Args:
        threshold: unit pixels, of the mean of the channels; a pixel above it is not dark.
    """
    measure = _AreaChange(threshold=threshold)
    return Metric(measure=measure, rows=_AREA_ROWS, columns=_AREA_COLUMNS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _AreaChange:
    threshold: float

    def __call__(
        self, params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params, frozen, key
        before, after = (
            (images.mean(axis=3) > self.threshold).mean(axis=(1, 2))
            for images in (batch.images, counterfactual(explanation))
        )
        return {"area_change": after - before, "area_off": jnp.abs(after - before)}


def log_odds(
    classifier: Classifier, images: Images, decided: int | None, explained: Any = 0
) -> PerExample:
    """Of the class `decided`, or of those that are explained where that is ``None``; in nats.

    Raises:
        ValueError: the classifier knows no such class.
    """
    if decided is not None:
        check_known(decided, classifier.num_classes(images.shape[1:], len(images)))
    target = jnp.broadcast_to(explained if decided is None else decided, (len(images),))
    return classifier.log_odds(images, target.astype(jnp.int32))


def decision(odds: PerExample) -> PerExample:
    """1 where the class is found, at log-odds of 0 or more, else 0; NaN where they are."""
    return jnp.where(jnp.isnan(odds), jnp.nan, odds >= 0)


def turned(odds: PerExample, other: PerExample) -> PerExample:
    """1 where the decisions differ, else 0; NaN where there is not both."""
    return jnp.abs(decision(odds) - decision(other))


def counterfactual(explanation: Explanation) -> Images:
    """The counterfactual pictures.

    Raises:
        ValueError: the method makes none.
    """
    if COUNTERFACTUAL.name not in explanation.pictures:
        raise ValueError("The method makes no counterfactual pictures.")
    return explanation.pictures[COUNTERFACTUAL.name]


def begun(batch: Batch, explanation: Explanation) -> Images | None:
    """What stands for the pictures before any change: stable pictures, or reconstructions.

    Of a method that puts the picture's own pixels back around what it changes they are put back
    here, too: where the counterfactual is not what the generator has drawn.

    Returns:
        unit pixels; ``None`` of a method that changes the pictures themselves.
    """
    pictures = explanation.pictures
    if STABLE.name in pictures or RECONSTRUCTION not in pictures:
        return pictures.get(STABLE.name)
    found = pictures[RECONSTRUCTION]
    if GENERATED not in pictures:
        return found
    is_own = (counterfactual(explanation) != pictures[GENERATED]).any(axis=3, keepdims=True)
    return jnp.where(is_own, batch.images, found)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Flips:
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
        made, begin = counterfactual(explanation), begun(batch, explanation)
        before, after = (ask(frozen.classifier, images) for images in (batch.images, made))
        flipped = turned(after, before)
        off = jnp.abs(made - batch.images)
        nothing = jnp.full(len(made), jnp.nan)
        found = {
            "decided": decision(before),
            "odds_before": before,
            "odds_after": after,
            "odds_stable": nothing,
            "flipped": flipped,
            "newly_flips": flipped,
            "changed_by": off.mean(axis=(1, 2, 3)),
            "changed_share": (off.max(axis=3) > CHANGED).mean(axis=(1, 2)),
            "stays": nothing,
            "stable_error": nothing,
        }
        if begin is not None:
            stable = ask(frozen.classifier, begin)
            stays = 1.0 - turned(stable, before)
            error = jnp.square(begin - batch.images).mean(axis=(1, 2, 3))
            found |= {"newly_flips": flipped * stays, "stays": stays, "stable_error": error}
            found["odds_stable"] = stable
        if params is not None:
            check_num_classes(params, frozen.classifier, batch.images.shape[1:])
            asked = functools.partial(ask, params)
            found |= _by_oracle(asked, batch.images, made, begin, before)
        return {name: x.astype(jnp.float32) for name, x in found.items()}


def _by_oracle(
    asked: Callable[[Images], PerExample],
    images: Images,
    made: Images,
    begin: Images | None,
    odds: PerExample,
) -> dict[str, AnyArray]:
    """What the oracle says; no flip and no stay where it decides the picture itself otherwise.

    `odds` are the explained classifier's, of the pictures.
    """
    before, after = asked(images), asked(made)
    stable = jnp.full(len(made), jnp.nan) if begin is None else asked(begin)
    agrees = 1.0 - turned(before, odds)
    counts = jnp.where(agrees == 1.0, 1.0, jnp.nan)
    return {
        "oracle_agrees": agrees,
        "oracle_odds_before": before,
        "oracle_odds_after": after,
        "oracle_odds_stable": stable,
        "oracle_flipped": turned(after, odds) * counts,
        "oracle_stays": (1.0 - turned(stable, odds)) * counts,
    }


def _by_side(rows: Rows) -> dict[str, float]:
    """Means, and of the rates also the means of either side."""
    sides = {"one": rows["decided"] == 1, "zero": rows["decided"] == 0}
    found = {name: defined_mean(values) for name, values in rows.items() if name not in _NO_RATES}
    for name in (n for n in ("flipped", "oracle_flipped") if n in rows):
        found |= {f"{name}_{side}": defined_mean(rows[name][of]) for side, of in sides.items()}
    return found


_ODDS = {"odds_before", "odds_after", "odds_stable"}
_NO_RATES = {"decided", *_ODDS, *(f"oracle_{name}" for name in _ODDS)}
_SHARE = "in [0, 1]"
_ORACLE_ROWS = (
    outputs.number(
        "oracle_agrees", "0 or 1", "Whether the oracle decides the picture as the classifier does."
    ),
    outputs.number(
        "oracle_odds_before", "nats", "The oracle's log-odds of the decided class in the picture."
    ),
    outputs.number("oracle_odds_after", "nats", "The same in the counterfactual."),
    outputs.number(
        "oracle_odds_stable",
        "nats",
        "The same in the stable picture, or the reconstruction; NaN: none.",
    ),
    outputs.number(
        "oracle_flipped",
        "0 or 1",
        "Whether it decides the counterfactual the other way; NaN where it does not agree.",
    ),
    outputs.number(
        "oracle_stays",
        "0 or 1",
        "Whether it decides what is drawn before any change alike; NaN where it does not agree.",
    ),
)
_FLIP_ROWS = (
    outputs.number(
        "decided", "0 or 1", "Whether the classifier finds the decided class in the picture."
    ),
    outputs.number("odds_before", "nats", "Log-odds of the decided class in the picture."),
    outputs.number("odds_after", "nats", "The same in the counterfactual."),
    outputs.number(
        "odds_stable", "nats", "The same in the stable picture, or the reconstruction; NaN: none."
    ),
    outputs.number("flipped", "0 or 1", "Whether it decides the counterfactual the other way."),
    outputs.number(
        "newly_flips", "0 or 1", "The same, where what is drawn before any change is decided alike."
    ),
    outputs.number(
        "changed_by", "unit pixels", "Mean absolute change from picture to counterfactual."
    ),
    outputs.number(
        "changed_share", _SHARE, f"Share of the pixels that change by more than {CHANGED}."
    ),
    outputs.number(
        "stays",
        "0 or 1",
        "Whether it decides the stable picture, or the reconstruction, alike; NaN: there is none.",
    ),
    outputs.number("stable_error", "squared unit pixels", "Mean squared change of that picture."),
)
_PAPER = "Charachon et al. 2022"


def _rate(name: str, head: str, source: str = _PAPER) -> Column:
    return Column(name, head, "higher", 0.0, 1.0, "%", source, 1)


_FLIP_COLUMNS = (
    _rate("flipped", "flipped %"),
    _rate("flipped_one", "flipped, of the class %"),
    _rate("flipped_zero", "flipped, of the others %"),
    _rate("newly_flips", "newly flipped %", "ours"),
    _rate("stays", "stays %"),
    Column("changed_by", "changed by", "lower", 0.0, 1.0, "", f"{_PAPER}, mean |x - a|", 4),
    Column("changed_share", "pixels changed", "lower", 0.0, 1.0, "", "ours, |x - a| > 0.1"),
    Column("stable_error", "stable MSE", "lower", 0.0, 1.0, "", f"{_PAPER}, MSE(x, s)", 4),
)
_AREA_ROWS = (
    outputs.number(
        "area_change", "in [-1, 1]", "What the share of pixels that are not dark gains."
    ),
    outputs.number("area_off", _SHARE, "The same, either way."),
)
_AREA_COLUMNS = (
    Column("area_change", "area gained", "neither", -1.0, 1.0, "", "ours", 4),
    Column("area_off", "area changed", "lower", 0.0, 1.0, "", "ours", 4),
)
_ORACLE_COLUMNS = (
    Column("oracle_agrees", "oracle agrees %", "neither", 0.0, 1.0, "%", "ours", 1),
    _rate("oracle_flipped", "oracle flipped %", "ours"),
    _rate("oracle_flipped_one", "oracle, of the class %", "ours"),
    _rate("oracle_flipped_zero", "oracle, of the others %", "ours"),
    _rate("oracle_stays", "oracle stays %", "ours"),
)
