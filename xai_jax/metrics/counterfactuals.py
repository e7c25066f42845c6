"""Counterfactual pictures as scores: do they flip the decision, how near are they, how real?"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.outputs import COUNTERFACTUAL, Output
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PerExample, PRNGKey
from xai_jax.metrics.distributions import FeatureFn, Features, frechet, jensen_shannon

CHANGED = 0.1  # unit pixels: a pixel that differs by more counts as changed


def flips(oracle: Classifier | None = None, decided_class: int | None = 0) -> Metric:
    """Flip and keep rates, and how far the counterfactual picture is from the picture.

    Where there is an oracle, a classifier that was trained by itself, also how often the
    counterfactual is of the other side for it: what fools the explained classifier alone is an
    adversarial example.

    Args:
        oracle: of the same classes; ``None``: nobody else is asked.
        decided_class: the class whose presence (log-odds of 0 or more) is the decision; ``None``:
            that which is explained, of methods that turn any.
    """
    rows: tuple[Output, ...] = _FLIP_ROWS
    columns: tuple[Column, ...] = _FLIP_COLUMNS
    if oracle is not None:
        rows, columns = (*rows, _ORACLE_ROW), (*columns, *_ORACLE_COLUMNS)
    measure = _Flips(decided_class=decided_class)
    return Metric(measure=measure, rows=rows, columns=columns, reduce=_by_side, params=oracle)


def realism(features: FeatureFn, judge: Classifier, decided_class: int = 0) -> Metric:
    """Frechet distance of counterfactuals to the pictures of the other side; a metric of a set.

    As a share of the distance between the two sides' own pictures, so that it compares from
    features to features (specs: generative, sec. 9): 0 is no distance, 1 is as far as the side that
    they left. Sides are the explained classifier's decisions; features are another's, the judge's.

    Args:
        features: a function of a module.
        judge: whose features; best one that is not explained.
        decided_class: see `flips`.
    """
    name = getattr(features, "__name__", "features")
    measure = _Realism(features=features, name=name, decided_class=decided_class)
    rows = (
        *(outputs.number(f"{name}_{w}", "the feature function's", m, "feature") for w, m in _SEEN),
        outputs.number("side", "0 or 1", "Whether the picture is decided as the class."),
    )
    return Metric(
        measure=measure,
        rows=rows,
        columns=_REALISM_COLUMNS,
        reduce=_RealismReduce(name=name),
        of_pairs=True,
        params=judge,
    )


def divergence(features: FeatureFn, judge: Classifier, decided_class: int = 0) -> Metric:
    """As `realism`, by `distributions.jensen_shannon`; a bootstrap of it takes long.

    Beside the distances of counterfactuals to the side that they were to reach that between the two
    sides' own pictures, which is no share of it.
    """
    alike = realism(features, judge, decided_class)
    reduce = _DivergenceReduce(name=getattr(features, "__name__", "features"))
    return alike._replace(columns=_DIVERGENCE_COLUMNS, reduce=reduce)


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
            for images in (batch.images, _counterfactual(explanation))
        )
        return {"area_change": after - before, "area_off": jnp.abs(after - before)}


def _is_one(
    classifier: Classifier, images: Images, decided: int | None, explained: Any = 0
) -> AnyArray:
    target = jnp.broadcast_to(explained if decided is None else decided, (len(images),))
    return classifier.log_odds(images, target.astype(jnp.int32)) >= 0


def _counterfactual(explanation: Explanation) -> Images:
    if COUNTERFACTUAL.name not in explanation.pictures:
        raise ValueError("The method makes no counterfactual pictures.")
    return explanation.pictures[COUNTERFACTUAL.name]


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
        made, target = _counterfactual(explanation), explanation.target
        is_one = _is_one(frozen.classifier, batch.images, self.decided_class, target)
        off = jnp.abs(made - batch.images)
        found = {
            "decided": is_one,
            "flipped": _is_one(frozen.classifier, made, self.decided_class, target) != is_one,
            "changed_by": off.mean(axis=(1, 2, 3)),
            "changed_share": (off.max(axis=3) > CHANGED).mean(axis=(1, 2)),
        }
        if params is not None:
            found["oracle_flipped"] = _is_one(params, made, self.decided_class, target) != is_one
        stable = explanation.pictures.get("stable")
        nothing = jnp.full(len(made), jnp.nan)
        found["stays"] = found["stable_error"] = nothing
        if stable is not None:
            kept = _is_one(frozen.classifier, stable, self.decided_class, target) == is_one
            error = jnp.square(stable - batch.images).mean(axis=(1, 2, 3))
            found |= {"stays": kept, "stable_error": error}
        return {name: x.astype(jnp.float32) for name, x in found.items()}


def _by_side(rows: Rows) -> dict[str, float]:
    """Means, and of the rates also the means of either side."""
    sides = {"one": rows["decided"] == 1, "zero": rows["decided"] == 0}
    found = {name: _mean(values) for name, values in rows.items() if name != "decided"}
    for name in {"flipped", "oracle_flipped"} & set(rows):
        found |= {f"{name}_{side}": _mean(rows[name][of]) for side, of in sides.items()}
    return found


def _mean(values: np.ndarray) -> float:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    return math.fsum(known) / len(known) if len(known) else math.nan


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Realism:
    features: FeatureFn
    name: str
    decided_class: int

    def __call__(
        self, params: Classifier, frozen: Frozen, batch: Batch, explanation: Explanation, key
    ) -> dict[str, jax.Array]:
        del key
        is_one = _is_one(frozen.classifier, batch.images, self.decided_class)
        return {
            f"{self.name}_real": self.features(params, batch.images),
            f"{self.name}_made": self.features(params, _counterfactual(explanation)),
            "side": is_one.astype(jnp.float32),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RealismReduce:
    name: str

    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, sides = _by_decision(rows, self.name)
        apart = frechet(real[sides[0]], real[sides[1]])
        return {
            "frechet_to_one": _share(real[sides[1]], made[sides[0]], apart),
            "frechet_to_zero": _share(real[sides[0]], made[sides[1]], apart),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _DivergenceReduce:
    name: str

    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, sides = _by_decision(rows, self.name)
        of_all = np.concatenate([x[sides[0] | sides[1]] for x in (real, made)])
        return {
            "js_apart": jensen_shannon(real[sides[0]], real[sides[1]], of_all),
            "js_to_one": jensen_shannon(real[sides[1]], made[sides[0]], of_all),
            "js_to_zero": jensen_shannon(real[sides[0]], made[sides[1]], of_all),
        }


def _by_decision(rows: Rows, name: str) -> tuple[Features, Features, list[np.ndarray]]:
    """Features of the pictures and their counterfactuals, and which are decided 0 and 1."""
    real, made = (np.asarray(rows[f"{name}_{w}"], np.float64) for w, _ in _SEEN)
    known = np.isfinite(real).all(axis=1) & np.isfinite(made).all(axis=1)
    return real, made, [known & (rows["side"] == side) for side in (0, 1)]


def _share(real: Features, made: Features, apart: float) -> float:
    return frechet(real, made) / apart if apart > 0 else math.nan


_SEEN = (("real", "Features of the picture."), ("made", "Features of the counterfactual."))
_SHARE = "in [0, 1]"
_ORACLE_ROW = outputs.number(
    "oracle_flipped", "0 or 1", "Whether the oracle decides the counterfactual the other way."
)


_FLIP_ROWS = (
    outputs.number(
        "decided", "0 or 1", "Whether the classifier finds the decided class in the picture."
    ),
    outputs.number("flipped", "0 or 1", "Whether it decides the counterfactual the other way."),
    outputs.number(
        "changed_by", "unit pixels", "Mean absolute change from picture to counterfactual."
    ),
    outputs.number(
        "changed_share", _SHARE, f"Share of the pixels that change by more than {CHANGED}."
    ),
    outputs.number(
        "stays", "0 or 1", "Whether it decides the stable picture alike; NaN: there is none."
    ),
    outputs.number(
        "stable_error", "squared unit pixels", "Mean squared change of the stable picture."
    ),
)
_PAPER = "Charachon et al. 2022"


def _rate(name: str, head: str) -> Column:
    return Column(name, head, "higher", 0.0, 1.0, "%", _PAPER, 1)


_FLIP_COLUMNS = (
    _rate("flipped", "flipped %"),
    _rate("flipped_one", "flipped, of the class %"),
    _rate("flipped_zero", "flipped, of the others %"),
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
    _rate("oracle_flipped", "oracle flipped %"),
    _rate("oracle_flipped_one", "oracle, of the class %"),
    _rate("oracle_flipped_zero", "oracle, of the others %"),
)
_REALISM_COLUMNS = (
    Column("frechet_to_one", "Frechet, to the class", "lower", 0.0, math.inf, "", _PAPER),
    Column("frechet_to_zero", "Frechet, to the others", "lower", 0.0, math.inf, "", _PAPER),
)
_DIVERGENCE_COLUMNS = (
    Column("js_apart", "JS between the sides", "neither", 0.0, 1.0, "", _PAPER),
    Column("js_to_one", "JS, to the class", "lower", 0.0, 1.0, "", _PAPER),
    Column("js_to_zero", "JS, to the others", "lower", 0.0, 1.0, "", _PAPER),
)
