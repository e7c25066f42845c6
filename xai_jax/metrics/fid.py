"""FID and sFID of counterfactuals, over a feature function that is part of their name."""

import dataclasses
import math

import jax
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.image import resize
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.metrics.counterfactuals import counterfactual
from xai_jax.metrics.distributions import FeatureFn, Features, frechet, read_pairs

LEAST = 2048  # pictures


def fid(
    name: str, features: FeatureFn, judge: Classifier, size: tuple[int, int] | None = None
) -> Metric:
    """Frechet distance of the counterfactuals to the pictures, and sFID; a metric of a set.

    FID: Heusel et al. 2017, eq. 6, of all pictures and all counterfactuals. A counterfactual
    resembles its own picture, which makes that small; sFID (Jeanneret et al. 2023) sets one random
    half of the pictures against the counterfactuals of the other half, and takes the mean of both
    ways. They are those of other tables only where features and resizing are, Inception's as in
    `pytorch-fid` say, and about as many pictures; so name and size are in the columns' names, and
    the number of pictures is a column. Below 2,048 pictures neither is measured.

    Args:
        name: of the features, for people: "inception".
        features: a function of a module.
        judge: whose features.
        size: height and width to which pictures are resized for it (bilinear, pixel centres at
            half-integers, no antialiasing); ``None``: they are seen as they are.
    """
    rule = "own size" if size is None else f"{size[0]} x {size[1]} bilinear"
    called = "_".join([name, "own_size" if size is None else f"{size[0]}x{size[1]}"])
    known = f"({name}, {rule})"
    return Metric(
        measure=_Seen(features=features, called=called, size=size),
        rows=tuple(
            outputs.number(f"{called}_{which}", "the feature function's", meaning, "feature")
            for which, meaning in _WHICH.items()
        ),
        columns=(
            Column(f"fid_{called}", f"FID {known}", "lower", 0.0, math.inf, "", _FID, 2),
            Column(f"sfid_{called}", f"sFID {known}", "lower", 0.0, math.inf, "", _SFID, 2),
            Column(
                f"fid_{called}_pictures", "of pictures", "neither", 0.0, math.inf, "", "ours", 0
            ),
        ),
        reduce=_Reduce(called=called),
        of_pairs=True,
        params=judge,
        least=LEAST,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Seen:
    features: FeatureFn
    called: str
    size: tuple[int, int] | None

    def __call__(
        self,
        params: Classifier,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, jax.Array]:
        del frozen, key
        both = batch.images, counterfactual(explanation)
        if self.size is not None:
            both = tuple(resize(images, *self.size) for images in both)  # type: ignore[assignment]
        return {
            f"{self.called}_{which}": self.features(params, images)
            for which, images in zip(_WHICH, both, strict=True)
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Reduce:
    called: str

    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, known = read_pairs(rows, self.called)
        real, made = real[known], made[known]
        enough = len(real) >= LEAST
        return {
            f"fid_{self.called}": frechet(real, made) if enough else math.nan,
            f"sfid_{self.called}": across_halves(real, made) if enough else math.nan,
            f"fid_{self.called}_pictures": float(len(real)),
        }


def across_halves(real: Features, made: Features) -> float:
    """Mean Frechet distance of one half's pictures and the other half's counterfactuals.

    Args:
        real: of pictures.
        made: of their counterfactuals, row by row. The halves are drawn from a fixed seed.
    """
    order = np.random.default_rng(0).permutation(len(real))
    one, other = order[: len(order) // 2], order[len(order) // 2 :]
    return 0.5 * (frechet(real[one], made[other]) + frechet(real[other], made[one]))


_WHICH = {"real": "Features of the picture.", "made": "Features of the counterfactual."}
_FID = "Heusel et al. 2017, eq. 6"
_SFID = "Jeanneret et al. 2023"
