"""Grad-CAM: where the channels that speak for the class are active.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017.
"""

import dataclasses
import enum

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.class_activation import check_in_halves, class_activation
from xai_jax.core.image import resize
from xai_jax.core.method import Frozen, Method
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score
from xai_jax.core.types import AnyArray, Batch, Explanation, PRNGKey


class NanPolicy(enum.Enum):
    """What becomes of a class for which no cell of the map is positive.

    Stretched to [0, 1] as in NN-Explainer's comparison, its map of zeros is 0 / 0.
    """

    ZERO_CLASS = "zero_class"  # the map of this class is zero, as it is
    REFERENCE_ZERO_ALL = "reference_zero_all"  # so are those of all true classes of the picture


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones (eq. 1 and 2).

    Attributes:
        score: what is differentiated.
        nan_policy: what becomes of a class for which no cell of the map is positive.
    """

    score: Score = Score.LOGIT
    nan_policy: NanPolicy = NanPolicy.ZERO_CLASS

    @classmethod
    def as_compared(cls) -> "Config":
        """As NN-Explainer's authors ran it: such a class empties the whole picture."""
        return cls(nan_policy=NanPolicy.REFERENCE_ZERO_ALL)

    @classmethod
    def smoke(cls) -> "Config":
        """The published setting."""
        return cls()

    def build(self) -> Method:
        """The method with these settings."""
        return gradcam(self)


_PEAK = outputs.number(
    "peak",
    "of the setting `score`",
    "The largest cell of the map before its positive part is taken; not above 0: empty.",
)


def gradcam(cfg: Config) -> Method:
    """Explains each image by one forward pass and one backward pass of the classifier's head."""

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights, key
        _check(frozen, batch.images.shape)
        features = frozen.classifier.features(batch.images)
        weighed = class_activation(frozen.classifier, features, batch.target, cfg.score)
        coarse = jax.nn.relu(weighed)
        if cfg.nan_policy is NanPolicy.REFERENCE_ZERO_ALL and batch.labels is not None:
            any_empty = _any_empty(cfg, frozen, features, batch.labels)
            coarse = jnp.where(any_empty[:, None, None, None], 0.0, coarse)
        return Explanation(
            target=batch.target,
            saliency=resize(coarse, *batch.images.shape[1:3]),
            numbers={_PEAK.name: weighed.max(axis=(1, 2, 3))},
        )

    return Method(explain=explain, outputs=(_PEAK,), check=_check)


def _check(frozen: Frozen, shape: tuple[int, ...]) -> None:
    check_in_halves(frozen.classifier, shape, "Grad-CAM")


def _any_empty(
    cfg: Config, frozen: Frozen, features: AnyArray, labels: Float[Array, "b k"]
) -> Array:
    """Whether no cell is positive for one of the true classes, ``[b]``; one class at a time."""

    def is_empty(k):
        target = jnp.full(len(features), k)
        weighed = class_activation(frozen.classifier, features, target, cfg.score)
        return weighed.max(axis=(1, 2, 3)) <= 0

    empty = jax.lax.map(is_empty, jnp.arange(labels.shape[1]))  # [k b]
    return (empty.T & (labels > 0)).any(axis=1)
