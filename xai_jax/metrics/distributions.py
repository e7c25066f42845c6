"""How far a set of made pictures is from the real ones, by what a classifier sees in them."""

import dataclasses
import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, Images, PRNGKey

FeatureFn = Callable[[Classifier, Images], Float[Array, "b d"]]
Features = Float[np.ndarray, "_ d"]


def mean_features(classifier: Classifier, images: Images) -> Float[Array, "b d"]:
    """The mean over the cells of the activations that Grad-CAM reads: 1,280 numbers of Lite0.

    Raises:
        ValueError: the classifier does not say where they are.
    """
    return classifier.features(images).mean(axis=(1, 2))


def distances(
    picture: str = "", features: FeatureFn = mean_features, judge: Classifier | None = None
) -> Metric:
    """Frechet distance and KID of made pictures to the real ones; a metric of a set.

    Frechet: Heusel et al. 2017, eq. 6. KID: Binkowski et al. 2018, the unbiased squared MMD with
    the kernel ``(x . y / d + 1)^3``. Both depend on the features and on the number of pictures, and
    are no FID and KID of other tables, which see Inception's; Frechet falls as pictures are added,
    and is NaN where there are no more pictures than features (`frechet_of_many`).

    Args:
        picture: which of the explanation's `pictures`; "": what `keep` keeps, on the run's infill,
            which says how strange the pictures are by which a map is judged.
        features: a function of a module, whose name is part of the rows' names.
        judge: whose features; ``None``: the explained classifier's, which see what it sees, and
            which pictures that were made to please it do please.
    """
    name = getattr(features, "__name__", "features") + (f"_{picture}" if picture else "")
    measure = _Distances(picture=picture, features=features, name=name)
    rows = tuple(
        outputs.number(
            f"{name}_{which}",
            "the feature function's",
            f"{name} of the {which} picture.",
            "feature",
        )
        for which in ("real", "made")
    )
    return Metric(
        measure=measure,
        rows=rows,
        columns=_COLUMNS,
        reduce=_Reduce(name=name),
        of_pairs=True,
        params=judge,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Distances:
    picture: str
    features: FeatureFn
    name: str

    def __call__(
        self,
        params: Classifier | None,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, Array]:
        made = self._made(frozen, batch, explanation, key)
        judge = frozen.classifier if params is None else params
        see = lambda images: self.features(judge, images)  # noqa: E731
        return {f"{self.name}_real": see(batch.images), f"{self.name}_made": see(made)}

    def _made(self, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey) -> Images:
        if self.picture and self.picture not in explanation.pictures:
            raise ValueError(f"The method makes no pictures called {self.picture!r}.")
        if self.picture:
            return explanation.pictures[self.picture]
        keep = explanation.keep
        if keep is None:
            raise ValueError("The method cuts nothing out (it has no keep) and makes no pictures.")
        context, keys = frozen.infill.prepare(batch.images), example_keys(key, batch.image_id)
        return compose(batch.images, keep, frozen.infill(context, jnp.round(keep), keys))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Reduce:
    name: str

    def __call__(self, rows: Rows) -> dict[str, float]:
        real, made, known = read_pairs(rows, self.name)
        real, made = real[known], made[known]
        return {"frechet": frechet_of_many(real, made), "kid": kid(real, made)}


def read_pairs(rows: Rows, name: str) -> tuple[Features, Features, np.ndarray]:
    """Features of the pictures, of what was made of them, and where both are finite, ``[p]``."""
    real, made = (np.asarray(rows[f"{name}_{w}"], np.float64) for w in ("real", "made"))
    return real, made, np.isfinite(np.concatenate([real, made], axis=1)).all(axis=1)


def frechet(real: Features, made: Features) -> float:
    """``|m - m'|^2 + tr(S + S' - 2 (S S')^1/2)`` of means and covariances (n - 1); NaN below two.

    The trace of the root is the sum of the singular values of ``X X'^T`` over the root of both
    ``n - 1``, X and X' being the features less their means: so no covariance is formed, and few
    pictures are quick.
    """
    if min(len(real), len(made)) < 2:
        return math.nan
    means = real.mean(axis=0), made.mean(axis=0)
    roots = [
        (x - mean) / math.sqrt(len(x) - 1) for x, mean in zip((real, made), means, strict=True)
    ]
    # Of more pictures than features, a triangle with the same covariance.
    roots = [np.linalg.qr(x, mode="r") if len(x) > x.shape[1] else x for x in roots]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(float(np.square(x).sum()) for x in roots)
    return float(np.square(means[0] - means[1]).sum() + spread - 2 * shared)


def frechet_of_many(real: Features, made: Features) -> float:
    """`frechet`; NaN where either set has no more pictures than there are features.

    A covariance of fewer has no full rank, and the distance is then mostly that of its missing
    directions: of 48 pictures and 1,280 features it says little of either set.
    """
    enough = min(len(real), len(made)) > real.shape[1]
    return frechet(real, made) if enough else math.nan


def kid(real: Features, made: Features) -> float:
    """Unbiased squared MMD under ``(x . y / d + 1)^3``; may be below 0; NaN below two pictures."""
    num, other = len(real), len(made)
    if min(num, other) < 2:
        return math.nan

    def kernel(x: Features, y: Features) -> np.ndarray:
        near = x @ y.T / x.shape[1] + 1.0
        return near * near * near  # a power of arrays is many times as slow

    within = [kernel(x, x) for x in (real, made)]
    same = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in within]
    return float(same[0] + same[1] - 2 * kernel(real, made).mean())


_SIDE = 100  # of the grid on which densities are compared
_POINTS = 1000  # of it that are looked at at once


def jensen_shannon(one: Features, other: Features, of_all: Features) -> float:
    """Root of the Jensen-Shannon divergence in bits, in [0, 1]; NaN below three of either.

    As SyCE's authors take it (specs: generative, sec. 6.2): in the plane of the first two principal
    components of `of_all`, each set's density by Gaussian kernels (Scott's rule) on 100 x 100
    points over the range of `of_all`, made to sum to 1.

    Args:
        one: a set.
        other: another.
        of_all: these and whatever else they are compared with.
    """
    if min(len(one), len(other)) < 3 or of_all.shape[1] < 2:
        return math.nan
    middle = of_all.mean(axis=0)
    axes = np.linalg.svd(of_all - middle, full_matrices=False)[2][:2]
    plane = lambda x: (x - middle) @ axes.T  # noqa: E731
    sides = [np.linspace(*ends, _SIDE) for ends in zip(*_ends(plane(of_all)), strict=True)]
    points = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)
    shares = [_density(plane(x), points) for x in (one, other)]
    if not all(np.isfinite(share).all() for share in shares):
        return math.nan
    mixed = 0.5 * (shares[0] + shares[1])
    bits = 0.0
    for share in shares:
        some = (share > 0) & (mixed > 0)  # half of the least number that there is is 0
        bits += float((share[some] * np.log2(share[some] / mixed[some])).sum())
    return math.sqrt(max(0.5 * bits, 0.0))


def _ends(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return points.min(axis=0), points.max(axis=0)


def _density(seen: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of Gaussian kernels around what was seen, at points of the plane, divided by its sum."""
    spread = np.cov(seen, rowvar=False) * len(seen) ** (-2.0 / 6.0)  # Scott, in two dimensions
    if np.linalg.matrix_rank(spread) < 2:
        return np.full(len(points), np.nan)
    white = np.linalg.inv(np.linalg.cholesky(spread)).T
    seen, points = seen @ white, points @ white
    found = [
        np.exp(-0.5 * np.square(part[:, None] - seen).sum(axis=2)).sum(axis=1)
        for part in np.array_split(points, max(len(points) // _POINTS, 1))
    ]
    total = np.concatenate(found)
    whole: np.ndarray = total / total.sum()
    return whole


_COLUMNS = (
    Column("frechet", "Frechet", "lower", 0.0, math.inf, "", "Heusel et al. 2017, eq. 6", 2),
    Column("kid", "KID", "lower", -math.inf, math.inf, "", "Binkowski et al. 2018, eq. 4", 4),
)
