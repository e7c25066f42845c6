"""Whether a map answers for what the classifier does, and stays as it is where nothing happens."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core import outputs
from xai_jax.core.method import Frozen
from xai_jax.core.metric import AskFn, Column, Metric
from xai_jax.core.rng import example_keys, fold_each
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey, PRNGKeys, PyTree
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.shown import of_parts, probability


def infidelity(num_samples: int = 64, sides: tuple[int, int] = (16, 64)) -> Metric:
    """How far the evidence in a removed square is from what its removal costs.

    Yeh et al. 2019, sec. 2, with square removals: the mean over random squares of
    ``(a * evidence in the square + b * its area - loss of probability)^2``. What differs: a and b
    are the best ones for each picture, so that no unit and no zero of the map matters; they stretch
    by the best factor alone. A flat map is judged by the area alone. ``1 + num_samples`` classifier
    calls a picture; what is removed becomes the run's infill.

    Args:
        num_samples: squares.
        sides: the smallest and the largest side of a square, in pixels; cut to the picture's.

    Raises:
        ValueError: there are fewer than three squares, or the sides are no lengths in order.
    """
    if num_samples < 3 or not 1 <= sides[0] <= sides[1]:
        raise ValueError(
            f"infidelity needs three squares or more and sides such as (16, 64), not {num_samples} "
            f"and {sides}."
        )
    return Metric(
        measure=_Infidelity(num_samples=num_samples, sides=(sides[0], sides[1])),
        rows=(
            outputs.number(
                "infidelity", "probability^2", "Mean squared error of the evidence removed."
            ),
        ),
        columns=(Column("infidelity", "infidelity", "lower", 0.0, 1.0, "", _YEH + "sec. 2", 5),),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Infidelity:
    num_samples: int
    sides: tuple[int, int]

    def __call__(
        self, params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
    ) -> dict[str, PerExample]:
        del params
        maps, keys = without_nan(explanation.saliency), example_keys(key, batch.image_id)
        score = lambda images: probability(frozen.classifier, images, batch)  # noqa: E731
        shown = of_parts(frozen.infill, batch.images, keys, score)

        def removed(sample: Array) -> tuple[PerExample, PerExample, PerExample]:
            square = jnp.where(sample < 0, 0.0, self._squares(fold_each(keys, sample), maps))
            evidence = (square * maps).sum((1, 2, 3))
            return shown(1 - square), evidence, square.sum((1, 2, 3))

        seen, evidence, areas = jax.lax.map(removed, jnp.arange(-1, self.num_samples))
        return {"infidelity": residual((evidence[1:], areas[1:]), seen[0] - seen[1:])}

    def _squares(self, keys: PRNGKeys, maps: Maps) -> Maps:
        """1 in a random square of each picture that lies within it."""
        _, height, width, _ = maps.shape
        most = min(height, width)
        low, high = (min(side, most) for side in self.sides)

        def one(key: Array) -> Array:
            for_side, for_top, for_left = jax.random.split(key, 3)
            side = jax.random.randint(for_side, (), low, high + 1)
            top = jax.random.randint(for_top, (), 0, height - side + 1)
            left = jax.random.randint(for_left, (), 0, width - side + 1)
            rows, columns = jnp.arange(height) - top, jnp.arange(width) - left
            inside = lambda x: (x >= 0) & (x < side)  # noqa: E731
            return (inside(rows)[:, None] & inside(columns))[..., None].astype(jnp.float32)

        return jax.vmap(one)(keys)


def residual(known: tuple[Float[Array, "n b"], ...], wanted: Float[Array, "n b"]) -> PerExample:
    """Mean squared error of the least squares fit of `wanted` by multiples of what is `known`.

    Each known is made orthogonal to those before it; one that is nothing new adds nothing.
    """
    basis: list[Array] = []
    left = wanted
    for values in reversed(known):  # areas first: what evidence adds to them
        size = jnp.sqrt(jnp.square(values).sum(0))
        rest = values / jnp.where(size > 0, size, 1.0)
        for _ in range(2):  # once more, for rounding
            for one in basis:
                rest = rest - (rest * one).sum(0) * one
        length = jnp.sqrt(jnp.square(rest).sum(0))
        one = jnp.where(length > 1e-3, rest / jnp.where(length > 0, length, 1.0), 0.0)
        left = left - (left * one).sum(0) * one
        basis.append(one)
    return jnp.square(left).mean(0)


def max_sensitivity(num_samples: int = 10, radius: float = 0.02) -> Metric:
    """How far the map moves when noise nobody sees is added to the picture; asks the method again.

    Yeh et al. 2019, sec. 3, sampled: the largest ``|map(x + e) - map(x)| / |map(x)|`` (L2 norms)
    over `num_samples` uniform noises ``|e| <= radius`` in each pixel. ``1 + num_samples``
    explanations of the target a picture. NaN for a map of zeros. Pictures are clipped to [0, 1].

    Args:
        num_samples: noises.
        radius: unit pixels.

    Raises:
        ValueError: there is no noise.
    """
    if num_samples < 1 or not radius > 0:
        raise ValueError(f"There is no noise in {num_samples} samples of radius {radius}.")
    meaning = "Largest relative change of the map under noise; NaN: the map is all 0."
    column = Column(
        "max_sensitivity", "max-sensitivity", "lower", 0.0, np.inf, "", _YEH + "sec. 3", 3
    )
    return Metric(
        measure=_MaxSensitivity(num_samples=num_samples, radius=radius),
        rows=(outputs.number("max_sensitivity", "ratio", meaning),),
        columns=(column,),
        asks=True,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _MaxSensitivity:
    num_samples: int
    radius: float

    def __call__(
        self,
        params: PyTree,
        frozen: Frozen,
        batch: Batch,
        explanation: Explanation,
        key: PRNGKey,
        explain: AskFn,
    ) -> dict[str, PerExample]:
        del params, explanation
        keys = example_keys(key, batch.image_id)
        uniform = jax.vmap(
            lambda key, image: jax.random.uniform(key, image.shape, minval=-1.0, maxval=1.0)
        )

        def maps(sample: Array) -> Maps:
            noise = self.radius * uniform(fold_each(keys, sample), batch.images)
            images = jnp.where(sample < 0, batch.images, batch.images + noise)
            return explain(
                frozen, dataclasses.replace(batch, images=jnp.clip(images, 0.0, 1.0))
            ).saliency

        itself = maps(jnp.int32(-1))
        moved = jax.lax.map(
            lambda sample: _norm(maps(sample) - itself), jnp.arange(self.num_samples)
        )
        size = _norm(itself)
        ratio = moved.max(axis=0) / jnp.where(size > 0, size, 1.0)
        return {"max_sensitivity": jnp.where(size > 0, ratio, jnp.nan)}


def _norm(maps: Maps) -> PerExample:
    return jnp.sqrt(jnp.square(maps).sum((1, 2, 3)))


_YEH = "Yeh et al. 2019, "
