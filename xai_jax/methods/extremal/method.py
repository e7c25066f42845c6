"""Extremal perturbations: for each area the smooth mask of that area with the best reward.

Fong, Patrick, Vedaldi, "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
ICCV 2019. The masks of all areas are optimised together, and none depends on another.
"""

import dataclasses
import enum
import math
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from xai_jax.core import lengths, outputs, parts
from xai_jax.core.domains import (
    Count,
    InnerShare,
    Interval,
    NotEmpty,
    NotNegative,
    Positive,
    ShareBelowOne,
)
from xai_jax.core.image import gaussian_blur
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import optimise
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head, log_odds
from xai_jax.core.types import Batch, Classes, Explanation, PRNGKey
from xai_jax.losses import masks
from xai_jax.methods.extremal.geometry import Geometry, in_picture
from xai_jax.methods.extremal.momentum import dampened_sgd
from xai_jax.methods.extremal.pyramid import (
    Levels,
    Perturbation,
    Strengths,
    increments,
    perturbation_levels,
    perturbed,
)
from xai_jax.methods.extremal.smooth_mask import smooth_mask

_MAX_BLUR, _STEP, _SIGMA = 20.0, 7, 21.0  # pixels of 224

PerArea = Float[Array, "b a"]
Counts = Int[Array, "a"]


class Game(enum.Enum):
    """What the mask is for; R(m) is the reward of the picture that is kept where m is 1."""

    PRESERVE = "preserve"  # maximise R(m): what suffices
    DELETE = "delete"  # minimise R(1 - m): what is needed
    DUAL = "dual"  # maximise R(m) - R(1 - m)


_SIGNS = {  # +1 pays for the picture kept where m is 1, -1 charges for the one kept where it is 0
    Game.PRESERVE: (1.0,),
    Game.DELETE: (-1.0,),
    Game.DUAL: (1.0, -1.0),
}


class Reward(enum.Enum):
    """What the classifier is paid for."""

    SIMPLE = "simple"  # the logit of the target
    CONTRASTIVE = "contrastive"  # the logit of the target less the largest other one


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones (sec. 3 and the authors' code).

    Attributes:
        areas: shares of the full mask, in (0, 1); one mask is optimised for each.
        game: what the mask is for.
        reward: what is maximised.
        perturbation: what stands where the mask is 0.
        num_levels: of the perturbation pyramid, the picture included.
        max_blur: of the pyramid's first level, in pixels. ``None``: 20 where the short side is 224,
            and in proportion elsewhere.
        step: pixels between two cells of the mask; ``None``: 7, likewise.
        sigma: reach of a cell in pixels; ``None``: 21, likewise.
        num_steps: optimisation steps.
        learning_rate: of gradient descent.
        momentum: its momentum, with as much dampening.
        area_weight: of the squared deviation from the area, at the first step.
        area_growth: factor by which that weight grows at each step.
        flip: mirror the perturbed pictures on every other step.
        smooth: standard deviation of a final blur, as a share of the short side; 0: none.
        inner_batch_size: at most so many composites go through the classifier at once (images x
            areas, twice that in the dual game); bounds memory, leaves the result as it is.
            ``None``: all at once.
    """

    areas: Annotated[tuple[InnerShare, ...], NotEmpty()] = (0.1,)
    game: Game = Game.PRESERVE
    reward: Reward = Reward.SIMPLE
    perturbation: Perturbation = Perturbation.BLUR
    num_levels: Annotated[int, Interval(2)] = 8
    max_blur: NotNegative | None = None
    step: Count | None = None
    sigma: Positive | None = None
    num_steps: Count = 800
    learning_rate: NotNegative = 0.01
    momentum: ShareBelowOne = 0.9
    area_weight: NotNegative = 300.0
    area_growth: Positive = 1.0035
    flip: bool = True
    smooth: NotNegative = 0.0
    inner_batch_size: Count | None = None

    @classmethod
    def pointing(cls) -> "Config":
        """The authors' setting of the pointing game on VOC: four areas, smoothed masks."""
        return cls(areas=(0.025, 0.05, 0.1, 0.2), smooth=0.09)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: seconds on one CPU core, on small pictures."""
        return cls(
            areas=(0.1, 0.2),
            step=4,
            sigma=8.0,
            max_blur=6.0,
            num_steps=60,
            area_growth=1.05,
            flip=False,
        )

    def build(self) -> Method:
        """The method with these settings."""
        return extremal(self)


def _of_each_area(name: str, unit: str, meaning: str) -> outputs.Output:
    axes = (outputs.MASK, outputs.STEP)
    return outputs.number(name, unit, meaning, *axes)


_OUTPUTS = (
    outputs.KEEP,
    outputs.trace("objective", "logits", "What is minimised, summed over the areas."),
    _of_each_area("reward", "logits", "Of the mask of each area, the smallest first."),
    _of_each_area("deviation", "squared share", "Of each mask from the mask of its exact area."),
    _of_each_area("mask_area", "in [0, 1]", "Mean of each mask."),
)


def extremal(cfg: Config) -> Method:
    """Explains each image by one mask an area; deterministic, nothing is learned across images."""
    areas = np.array(sorted(cfg.areas))

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights, key
        num, height, width, _ = batch.images.shape
        geometry = geometry_of(cfg, (height, width))
        normalised = frozen.classifier.normalise(batch.images)
        blur = lengths.length(cfg.max_blur, _MAX_BLUR, (height, width))
        levels = perturbation_levels(normalised, cfg.perturbation, cfg.num_levels, blur)
        pyramid = increments(levels)
        clean = _rewards(Reward.SIMPLE, _logits(frozen, normalised[:, None]), batch.target)
        num_dark = np.floor(math.prod(geometry.full) * (1.0 - areas)).astype(np.int32)
        each = num * len(_SIGNS[cfg.game])
        limit = each * len(areas) if cfg.inner_batch_size is None else cfg.inner_batch_size
        parts.check_limit(num, len(_SIGNS[cfg.game]), limit)

        def of(indices):
            dark = jnp.asarray(num_dark)[indices]
            return _explain_areas(cfg, frozen, batch.target, geometry, pyramid, clean, dark)

        found, good, trace = parts.mapped(of, len(areas), each=each, limit=limit)
        selected = _smallest(good)
        mask = jnp.take_along_axis(found, selected[:, None, None, None, None], axis=1)[:, 0]
        return Explanation(
            keep=1.0 - mask if cfg.game is Game.DELETE else mask,
            saliency=found.sum(axis=1),
            target=batch.target,
            numbers=_numbers(trace),
        )

    return Method(explain=explain, outputs=_OUTPUTS)


def geometry_of(cfg: Config, size: tuple[int, int]) -> Geometry:
    """Where the cells lie on pictures of (height, width) pixels."""
    step = lengths.whole(cfg.step, _STEP, size)
    return Geometry(image=size, step=step, sigma=lengths.length(cfg.sigma, _SIGMA, size))


def _explain_areas(
    cfg: Config,
    frozen: Frozen,
    target: Classes,
    geometry: Geometry,
    pyramid: Levels,
    clean: Float[Array, "b 1"],
    num_dark: Counts,
) -> tuple[Strengths, Bool[Array, "b a"], dict[str, Array]]:
    """Masks on the picture, whether each does what the game asks for, and traces ``[b a t]``."""
    grid = jnp.ones((len(target), len(num_dark), *geometry.grid, 1))
    objective = _objective(cfg, frozen, target, geometry, pyramid, num_dark)
    tx = dampened_sgd(cfg.learning_rate, cfg.momentum)
    steps = jnp.arange(cfg.num_steps)
    grid, trace = optimise(objective, grid, tx, steps, project=lambda x: jnp.clip(x, 0.0, 1.0))
    mask = _smoothed(cfg, in_picture(smooth_mask(grid, geometry), geometry))
    shown = 1.0 - mask if cfg.game is Game.DELETE else mask
    logits = _logits(frozen, perturbed(pyramid, shown))
    if cfg.game is Game.DELETE:
        return mask, _lost(logits, target, frozen.classifier.head), trace
    return mask, _rewards(Reward.SIMPLE, logits, target) >= clean, trace


def _smoothed(cfg: Config, mask: Strengths) -> Strengths:
    sigma = cfg.smooth * min(mask.shape[2:4])
    flat = mask.reshape(-1, *mask.shape[2:])
    blurred = gaussian_blur(flat, sigma, padding="zero").reshape(mask.shape)
    return jnp.clip(blurred, 0.0, 1.0)  # a blur of ones may round to above 1


def _objective(cfg: Config, frozen: Frozen, target, geometry: Geometry, pyramid, num_dark):
    """``-reward + weight * area_deviation(m)`` of each image and area, ``[b a]``."""
    signs = np.array(_SIGNS[cfg.game], np.float32)

    def objective(grid, step):
        full = smooth_mask(grid, geometry)
        mask = in_picture(full, geometry)
        strengths = jnp.concatenate([mask if sign > 0 else 1.0 - mask for sign in signs], axis=1)
        images = perturbed(pyramid, strengths)  # [b (s a) h w c]
        if cfg.flip:
            images = jax.lax.cond(step % 2 == 0, lambda x: x[..., ::-1, :], lambda x: x, images)
        rewards = _rewards(cfg.reward, _logits(frozen, images), target)
        rewards = rewards.reshape(len(target), len(signs), -1)  # [b s a]
        reward = jnp.einsum("s,bsa->ba", signs, rewards)
        deviation = masks.area_deviation(_flat(full), jnp.tile(num_dark, len(target)))
        deviation = deviation.reshape(reward.shape)
        weight = cfg.area_weight * cfg.area_growth ** step.astype(jnp.float32)
        terms = {"reward": reward, "deviation": deviation, "mask_area": full.mean(axis=(2, 3, 4))}
        return weight * deviation - reward, terms

    return objective


def _logits(frozen: Frozen, normalised: Float[Array, "b a h w c"]) -> Float[Array, "b a k"]:
    """Of normalised composites, all in one batch."""
    classifier = frozen.classifier
    logits = classifier.apply_fn(classifier.params, _flat(normalised))
    return logits.reshape(*normalised.shape[:2], -1)


def _flat(array: Float[Array, "b a *rest"]) -> Array:
    """``[b a ...]`` -> ``[(b a) ...]``."""
    return array.reshape(-1, *array.shape[2:])


def _rewards(reward: Reward, logits: Float[Array, "b a k"], target: Classes) -> PerArea:
    """Of each composite.

    Raises:
        ValueError: the contrastive reward has no other class to contrast with.
    """
    at_target = jnp.take_along_axis(logits, target[:, None, None], axis=-1)[..., 0]
    if reward is Reward.SIMPLE:
        return at_target
    if logits.shape[-1] < 2:
        raise ValueError("The contrastive reward needs two classes; use Reward.SIMPLE with one.")
    is_target = jax.nn.one_hot(target, logits.shape[-1], dtype=bool)[:, None, :]
    return at_target - jnp.where(is_target, -jnp.inf, logits).max(axis=-1)


def _lost(logits: Float[Array, "b a k"], target: Classes, head: Head) -> Bool[Array, "b a"]:
    """Whether the target is no longer likelier than not."""
    targets = jnp.repeat(target, logits.shape[1])
    return log_odds(_flat(logits), targets, head).reshape(logits.shape[:2]) < 0


def _smallest(good: Bool[Array, "b a"]) -> Classes:
    """Index of the first area that does what it should, the largest where none does."""
    return jnp.where(good.any(axis=1), jnp.argmax(good, axis=1), good.shape[1] - 1)


def _numbers(trace: dict[str, Array]) -> dict[str, Array]:
    """As declared: ``{name: [b a t]}``, the objective summed over the areas, ``[b t]``."""
    return {**trace, "objective": trace["objective"].sum(axis=1)}
