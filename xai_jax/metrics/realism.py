"""How real counterfactual pictures are: how near they come to pictures of the side they flip to.

Sides are the explained classifier's decisions; features are another's, the judge's: those of the
explained classifier itself are what its counterfactuals please.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.metrics.counterfactuals import begun, counterfactual, decision, log_odds
from xai_jax.metrics.distributions import (
    FeatureFn,
    Features,
    frechet_of_many,
    jensen_shannon,
    kid,
    read_pairs,
)


def realism(features: FeatureFn, judge: Classifier, decided_class: int = 0) -> Metric:
    """Frechet distance of counterfactuals to the pictures of the other side; a metric of a set.

    As a share of the distance between the two sides' own pictures, so that it compares from
    features to features (specs: generative, sec. 9): 0 is no distance, 1 is as far as the side that
    they left. Of stable pictures (or reconstructions) the same, to the side that they are of; NaN
    of a method that makes none. All are NaN where a side has no more pictures than there are
    features.

    Args:
        features: a function of a module.
        judge: whose features; best one that is not explained.
        decided_class: see `counterfactuals.flips`.
    """
    return _of_sides(features, judge, decided_class, True, _Realism, _REALISM_COLUMNS)


def divergence(features: FeatureFn, judge: Classifier, decided_class: int = 0) -> Metric:
    """As `realism`, by `distributions.jensen_shannon`; a bootstrap of it takes long.

    Beside the distances of counterfactuals to the side that they were to reach, and of stable
    pictures to theirs, that between the two sides' own pictures; none is a share of it.
    """
    return _of_sides(features, judge, decided_class, True, _Divergence, _DIVERGENCE_COLUMNS)


def kernel_distance(features: FeatureFn, judge: Classifier, decided_class: int = 0) -> Metric:
    """As `divergence`, by `distributions.kid`, which has no bias where there are few pictures.

    Of counterfactuals alone, not of stable pictures.

    What an evaluation's `resamples` puts around it says how much the pictures leave open.
    """
    return _of_sides(features, judge, decided_class, False, _KernelDistance, _KERNEL_COLUMNS)


def _of_sides(
    features: FeatureFn,
    judge: Classifier,
    decided_class: int,
    stable: bool,
    reduce: Callable[..., Callable[[Rows], dict[str, float]]],
    columns: tuple[Column, ...],
) -> Metric:
    name = getattr(features, "__name__", "features")
    seen = _SEEN | _STABLE if stable else _SEEN
    rows = (
        *(
            outputs.number(f"{name}_{which}", "the feature function's", meaning, "feature")
            for which, meaning in seen.items()
        ),
        outputs.number("side", "0 or 1", "Whether the picture is decided as the class."),
    )
    return Metric(
        measure=_Seen(features=features, name=name, decided_class=decided_class, stable=stable),
        rows=rows,
        columns=columns,
        reduce=reduce(name=name),
        of_pairs=True,
        params=judge,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Seen:
    features: FeatureFn
    name: str
    decided_class: int
    stable: bool

    def __call__(
        self,
        params: Classifier,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, jax.Array]:
        del key
        side = decision(log_odds(frozen.classifier, batch.images, self.decided_class))
        found = {
            f"{self.name}_real": self.features(params, batch.images),
            f"{self.name}_made": self.features(params, counterfactual(explanation)),
            "side": side.astype(jnp.float32),
        }
        if self.stable:
            begin, real = begun(batch, explanation), found[f"{self.name}_real"]
            nothing = jnp.full_like(real, jnp.nan)
            found[f"{self.name}_stable"] = (
                nothing if begin is None else self.features(params, begin)
            )
        return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Reduce:
    name: str

    def by_decision(self, rows: Rows) -> tuple[Features, Features, list[np.ndarray]]:
        """Features of the pictures and their counterfactuals, and which are decided 0 and 1."""
        real, made, known = read_pairs(rows, self.name)
        return real, made, [known & (rows["side"] == side) for side in (0, 1)]

    def stable(self, rows: Rows, sides: list[np.ndarray]) -> list[Features]:
        """Features of the stable pictures of either side; empty of a method that makes none."""
        found = np.asarray(rows[f"{self.name}_stable"], np.float64)
        known = np.isfinite(found).all(axis=1)
        return [found[known & side] for side in sides]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Realism(_Reduce):
    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, sides = self.by_decision(rows)
        apart = frechet_of_many(real[sides[0]], real[sides[1]])
        stable = self.stable(rows, sides)
        return {
            "frechet_to_one": _share(real[sides[1]], made[sides[0]], apart),
            "frechet_to_zero": _share(real[sides[0]], made[sides[1]], apart),
            "frechet_stable_one": _share(real[sides[1]], stable[1], apart),
            "frechet_stable_zero": _share(real[sides[0]], stable[0], apart),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Divergence(_Reduce):
    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, sides = self.by_decision(rows)
        of_all = np.concatenate([x[sides[0] | sides[1]] for x in (real, made)])
        distance = functools.partial(jensen_shannon, of_all=of_all)
        stable = self.stable(rows, sides)
        return {
            "js_apart": distance(real[sides[0]], real[sides[1]]),
            "js_to_one": distance(real[sides[1]], made[sides[0]]),
            "js_to_zero": distance(real[sides[0]], made[sides[1]]),
            "js_stable_one": distance(real[sides[1]], stable[1]),
            "js_stable_zero": distance(real[sides[0]], stable[0]),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _KernelDistance(_Reduce):
    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, sides = self.by_decision(rows)
        return {
            "kid_apart": kid(real[sides[0]], real[sides[1]]),
            "kid_to_one": kid(real[sides[1]], made[sides[0]]),
            "kid_to_zero": kid(real[sides[0]], made[sides[1]]),
        }


def _share(real: Features, made: Features, apart: float) -> float:
    return frechet_of_many(real, made) / apart if apart > 0 else math.nan


_SEEN = {"real": "Features of the picture.", "made": "Features of the counterfactual."}
_STABLE = {"stable": "Features of the stable picture, or the reconstruction; NaN: there is none."}
_PAPER = "Charachon et al. 2022"
_KID = "Binkowski et al. 2018, eq. 4"
_REALISM_COLUMNS = (
    Column("frechet_to_one", "Frechet, to the class", "lower", 0.0, math.inf, "", _PAPER),
    Column("frechet_to_zero", "Frechet, to the others", "lower", 0.0, math.inf, "", _PAPER),
    Column(
        "frechet_stable_one", "Frechet, stable of the class", "lower", 0.0, math.inf, "", _PAPER
    ),
    Column("frechet_stable_zero", "Frechet, stable others", "lower", 0.0, math.inf, "", _PAPER),
)
_DIVERGENCE_COLUMNS = (
    Column("js_apart", "JS between the sides", "neither", 0.0, 1.0, "", _PAPER),
    Column("js_to_one", "JS, to the class", "lower", 0.0, 1.0, "", _PAPER),
    Column("js_to_zero", "JS, to the others", "lower", 0.0, 1.0, "", _PAPER),
    Column("js_stable_one", "JS, stable of the class", "lower", 0.0, 1.0, "", _PAPER),
    Column("js_stable_zero", "JS, stable others", "lower", 0.0, 1.0, "", _PAPER),
)
_KERNEL_COLUMNS = (
    Column("kid_apart", "KID between the sides", "neither", -math.inf, math.inf, "", _KID, 4),
    Column("kid_to_one", "KID, to the class", "lower", -math.inf, math.inf, "", _KID, 4),
    Column("kid_to_zero", "KID, to the others", "lower", -math.inf, math.inf, "", _KID, 4),
)
