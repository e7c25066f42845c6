"""Whether a counterfactual still shows the same: by another network's features, or attributes.

LPIPS, FVA, FS and S3, and MNAC of the counterfactuals of faces and scenes (specs: steex, sec. 4.1
and 4.3). Their numbers are those of the network that is asked: two tables compare where it is the
same.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.classifier import Classifier
from xai_jax.core.image import Resized, gaussian_blur
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric, Rows, defined_mean
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PerExample, PRNGKey
from xai_jax.metrics.counterfactuals import counterfactual
from xai_jax.metrics.distributions import FeatureFn, mean_features

Size = tuple[int, int] | None  # height and width; ``None``: pictures are seen as they are
_RADIUS = 5  # of a window of SSIM
ALIKE = 0.5  # cosine above which two faces are of one person, as published


def likeness(judge: Classifier, features: FeatureFn = mean_features, size: Size = None) -> Metric:
    """Cosine of the features of a picture and of its counterfactual.

    Its mean is FS (faces) or S3 (scenes) where the features are SimSiam's, and its share above 0.5
    is FVA where they are VGGFace2's, of pictures of 224 x 224.

    Args:
        judge: whose features; best one that is not explained.
        features: a function of a module, whose name is part of the row's name.
        size: to which pictures are resized for it (`bicubic`), which is then in the names, too.
    """
    name = f"{getattr(features, '__name__', 'features')}{_suffix(size)}_cosine"
    return Metric(
        measure=_Likeness(features=features, name=name, size=size),
        rows=(
            outputs.number(name, "in [-1, 1]", "Cosine of the picture's and the other's features."),
        ),
        columns=tuple(_sized(column, size) for column in _LIKENESS_COLUMNS),
        reduce=_LikenessReduce(name=name, suffix=_suffix(size)),
        params=judge,
    )


def bicubic(images: Images, size: Size) -> Resized:
    """Pictures of that size, as Pillow makes them (antialiased), within unit range."""
    if size is None:
        return images
    made = jax.image.resize(images, (len(images), *size, images.shape[3]), "bicubic")
    return jnp.clip(made, 0.0, 1.0)


def _suffix(size: Size) -> str:
    return "" if size is None else f"_{size[0]}x{size[1]}"


def _sized(column: Column, size: Size) -> Column:
    if size is None:
        return column
    head, percent, _ = column.head.partition(" %")
    head = f"{head} ({size[0]} x {size[1]} bicubic){percent}"
    return column._replace(name=column.name + _suffix(size), head=head)


def structure() -> Metric:
    """SSIM of the counterfactual and the picture, the channels' mean.

    Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment", IEEE TIP 2004, eq. 13: windows of
    11 x 11 pixels, Gaussian of 1.5, K1 = 0.01, K2 = 0.03; only windows within the picture count.
    """
    return Metric(measure=_structure, rows=(_SSIM,), columns=(_SSIM_COLUMN,))


def ssim(one: Images, other: Images) -> PerExample:
    """See `structure`; 1 where the pictures are the same.

    Raises:
        ValueError: a side is shorter than a window.
    """
    if min(one.shape[1:3]) <= 2 * _RADIUS:
        raise ValueError(f"SSIM needs pictures of {2 * _RADIUS + 1} pixels or more a side.")
    inside = np.s_[:, _RADIUS:-_RADIUS, _RADIUS:-_RADIUS]

    def mean(images: Images) -> AnyArray:
        return gaussian_blur(images, 1.5, radius=_RADIUS)[inside]

    a, b = mean(one), mean(other)
    variances = mean(one * one) - a * a + mean(other * other) - b * b
    covariance = mean(one * other) - a * b
    low, high = 0.01**2, 0.03**2
    found = (2 * a * b + low) * (2 * covariance + high)
    return (found / ((a * a + b * b + low) * (variances + high))).mean((1, 2, 3))


def perceptual(name: str, distance: Callable[[Images, Images], PerExample]) -> Metric:
    """How far the counterfactual is from the picture to a network, LPIPS say.

    Args:
        name: for people and of the row: "lpips".
        distance: a pytree that is called with two batches of unit pixels, 0 where they are the
            same; `classifiers.lpips.load` makes one.
    """
    row = outputs.number(name, "the distance's", "Distance of the counterfactual to the picture.")
    bounds = 0.0, float("inf")
    column = Column(name, name, "lower", *bounds, "", "of the distance that is named")
    return Metric(measure=_Apart(name=name), rows=(row,), columns=(column,), params=distance)


def attributes_changed(oracle: Classifier, size: Size = None) -> Metric:
    """MNAC: how many attributes the oracle decides otherwise, that of the decision among them.

    Args:
        oracle: one logit an attribute, each by itself; found at a probability of 0.5 or more.
        size: as of `likeness`; best that of the pictures that the oracle has learned from.
    """
    name = _MNAC.name + _suffix(size)
    return Metric(
        measure=_AttributesChanged(name=name, size=size),
        rows=(dataclasses.replace(_MNAC, name=name),),
        columns=(_sized(_MNAC_COLUMN, size),),
        params=oracle,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Likeness:
    features: FeatureFn
    name: str
    size: Size

    def __call__(
        self,
        params: Classifier,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, PerExample]:
        del frozen, key
        one, other = (
            self.features(params, bicubic(images, self.size))
            for images in (batch.images, counterfactual(explanation))
        )
        size = jnp.sqrt(jnp.square(one).sum(axis=1) * jnp.square(other).sum(axis=1))
        return {self.name: (one * other).sum(axis=1) / jnp.maximum(size, 1e-12)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Apart:
    name: str

    def __call__(
        self,
        params: Callable[[Images, Images], PerExample],
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, PerExample]:
        del frozen, key
        return {self.name: params(batch.images, counterfactual(explanation))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _LikenessReduce:
    name: str
    suffix: str

    def __call__(self, rows: Rows) -> dict[str, float]:
        cosine = rows[self.name]
        alike = (cosine > ALIKE).astype(float)
        alike[cosine != cosine] = float("nan")
        found = {"alike": defined_mean(alike), "cosine": defined_mean(cosine)}
        return {f"{name}{self.suffix}": value for name, value in found.items()}


def _structure(
    params: None, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params, frozen, key
    return {_SSIM.name: ssim(batch.images, counterfactual(explanation))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _AttributesChanged:
    name: str
    size: Size

    def __call__(
        self,
        params: Classifier,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
    ) -> dict[str, PerExample]:
        del frozen, key
        both = batch.images, counterfactual(explanation)
        before, after = (params.logits(bicubic(images, self.size)) >= 0 for images in both)
        return {self.name: (before != after).sum(axis=1).astype(jnp.float32)}


_LIKENESS_COLUMNS = (
    Column("alike", "alike %", "higher", 0.0, 1.0, "%", "Jacob et al. 2022, FVA", 1),
    Column("cosine", "cosine", "higher", -1.0, 1.0, "", "Jeanneret et al. 2023, FS and S3"),
)
_SSIM = outputs.number("ssim", "in [-1, 1]", "SSIM of the counterfactual and the picture.")
_SSIM_COLUMN = Column("ssim", "SSIM", "higher", -1.0, 1.0, "", "Wang et al. 2004, eq. 13")
_MNAC = outputs.number(
    "attributes_changed", "attributes", "How many attributes the oracle decides otherwise."
)
_MNAC_COLUMN = Column(
    _MNAC.name, "attributes changed", "lower", 0.0, float("inf"), "", "Jacob et al. 2022, MNAC", 2
)
