"""BBMP: a smooth mask per image, optimised so that few removed pixels lose the class.

Fong, Vedaldi, "Interpretable Explanations of Black Boxes by Meaningful Perturbation", ICCV 2017.
"""

import dataclasses
import enum
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from xai_jax.core import lengths, outputs
from xai_jax.core.domains import Count, Natural, NotNegative, Positive, Side
from xai_jax.core.image import resize
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import linear_decay, optimise
from xai_jax.core.rng import example_keys, fold_each, split_each
from xai_jax.core.settings import Settings
from xai_jax.core.targets import probs
from xai_jax.core.types import (
    Batch,
    Explanation,
    Images,
    Logits,
    Maps,
    PerExample,
    PRNGKey,
    PRNGKeys,
)
from xai_jax.losses import masks
from xai_jax.losses.absolute import absolute
from xai_jax.methods.bbmp.frame import bordered, corners, window
from xai_jax.methods.bbmp.mask import (
    Grid,
    Upsampling,
    cells_of,
    disc_radii,
    keep_mask,
    removed_disc,
)

_BLUR, _JITTER = 5.0, 4  # pixels of 224
_TOP = 5
_LOST = 0.01  # share of the probability that the circular start leaves


class Game(enum.Enum):
    """What the mask is optimised for."""

    DELETE = "delete"  # remove little, and lose the target
    PRESERVE = "preserve"  # keep little, and keep the target


class Score(enum.Enum):
    """What the classifier says, as one number."""

    PROBABILITY = "probability"  # of the target
    TOP_FIVE = "top_five"  # sum of the probabilities of the clean picture's five likeliest classes
    LOG_ODDS = "log_odds"  # of the target, in nats


class Priced(enum.Enum):
    """What the area weight is paid for."""

    CELLS = "cells"  # each cell of the grid
    PIXELS = "pixels"  # each pixel of the mask


_AREA_WEIGHT = 1e-4  # of a cell: the authors'
_PIXEL_WEIGHT = 5e-3  # nats a pixel of 224 x 224: that of FIDO's authors


class Initial(enum.Enum):
    """Where the mask starts."""

    UNIFORM = "uniform"  # uniform noise
    ONES = "ones"  # the whole picture
    CIRCLE = "circle"  # without the smallest middle disc whose removal loses 99 % of the target


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the authors' for explanations (see `localisation`, `fido`).

    Attributes:
        game: what the mask is optimised for.
        score: what is lost or kept.
        grid: side of the optimised mask; at most a cell a pixel.
        upsampling: how it becomes a mask of the picture.
        mask_blur: standard deviation of its blur then, in pixels; 0: none. ``None``: 5 where the
            short side is 224, and in proportion elsewhere.
        skip_blur_gradient: let the gradient pass by that blur, as the authors do.
        initial: where the mask starts.
        num_steps: optimisation steps, one classifier call each.
        learning_rate: of Adam.
        decay: let the rate fall linearly to 0.
        area_weight: price of a cell or pixel removed (deletion) or kept (preservation). ``None``:
            1e-4 of a cell; of a pixel 5e-3 for 224 x 224 of them, and for others what makes the
            whole picture cost as much.
        priced: which of the two.
        variation_weight: price of a unit of total variation of the grid.
        variation_power: its power (the paper's beta).
        warmup_steps: the prices grow linearly over so many steps.
        jitter: pictures are enlarged by so many pixels; each step sees a window at random.
            ``None``: 4 where the short side is 224, and in proportion elsewhere, at least 2.
    """

    game: Game = Game.DELETE
    score: Score = Score.PROBABILITY
    grid: Side = 28
    upsampling: Upsampling = Upsampling.NEAREST
    mask_blur: NotNegative | None = None
    skip_blur_gradient: bool = True
    initial: Initial = Initial.UNIFORM
    num_steps: Count = 300
    learning_rate: NotNegative = 0.1
    decay: bool = False
    area_weight: NotNegative | None = None
    priced: Priced = Priced.CELLS
    variation_weight: NotNegative = 1e-2
    variation_power: Positive = 3.0
    warmup_steps: Natural = 0
    jitter: Natural | None = None

    @classmethod
    def localisation(cls) -> "Config":
        """The authors' setting for finding objects: the five likeliest classes together."""
        return cls(
            score=Score.TOP_FIVE, area_weight=1e-3, variation_power=2.0, initial=Initial.CIRCLE
        )

    @classmethod
    def fido(cls) -> "Config":
        """The variant that FIDO's authors compare with: no blur, no jitter, no smoothness."""
        return cls(
            game=Game.PRESERVE,
            score=Score.LOG_ODDS,
            grid=56,
            upsampling=Upsampling.BILINEAR,
            mask_blur=0.0,
            initial=Initial.ONES,
            learning_rate=0.05,
            decay=True,
            priced=Priced.PIXELS,
            variation_weight=0.0,
            warmup_steps=1,
            jitter=0,
        )

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: seconds on one CPU core, on small pictures."""
        return cls(grid=8, num_steps=40, mask_blur=1.0, jitter=2, area_weight=3e-3)

    def build(self) -> Method:
        """The method with these settings."""
        return bbmp(self)


_OUTPUTS = (
    outputs.KEEP,
    outputs.trace("objective", "that of the score", "What is minimised."),
    outputs.trace("score", "of the setting `score`", "What the classifier says of the composite."),
    outputs.trace("penalty", "that of the score", "Price of area and variation."),
    outputs.trace("mask_area", "in [0, 1]", "Share of the picture that is kept."),
)


def bbmp(cfg: Config) -> Method:
    """Explains each image by one mask; nothing is learned across images."""
    _check(cfg)
    tx = optax.adam(_learning_rate(cfg))

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        keys = split_each(example_keys(key, batch.image_id), 2)
        score = _score(cfg, frozen, batch)
        grid = _initial(cfg, frozen, batch, keys[:, 0])
        objective = _objective(cfg, frozen, batch, score, keys[:, 1])
        steps = jnp.arange(cfg.num_steps)
        grid, trace = optimise(objective, grid, tx, steps, project=lambda x: jnp.clip(x, 0.0, 1.0))
        keep = _keep(cfg, grid, batch.images.shape[1:3])
        saliency = 1.0 - keep if cfg.game is Game.DELETE else keep
        return Explanation(keep=keep, saliency=saliency, target=batch.target, numbers=trace)

    return Method(explain=explain, outputs=_OUTPUTS)


def _check(cfg: Config) -> None:
    """Refuses settings that do not go together."""
    if cfg.initial is Initial.CIRCLE and cfg.game is Game.PRESERVE:
        raise ValueError(
            "The circular start removes the middle of the picture and is of the deletion game; "
            "to preserve, use Initial.ONES or Initial.UNIFORM."
        )


def _learning_rate(cfg: Config) -> float | optax.Schedule:
    return linear_decay(cfg.learning_rate, cfg.num_steps) if cfg.decay else cfg.learning_rate


def _keep(cfg: Config, grid: Grid, size: tuple[int, int]) -> Maps:
    blur = lengths.length(cfg.mask_blur, _BLUR, size)
    return keep_mask(grid, size, cfg.upsampling, blur, cfg.skip_blur_gradient)


def _area_weight(cfg: Config, size: tuple[int, int]) -> float:
    if cfg.priced is Priced.PIXELS:
        return lengths.price(cfg.area_weight, _PIXEL_WEIGHT, size)
    return _AREA_WEIGHT if cfg.area_weight is None else cfg.area_weight


def _score(cfg: Config, frozen: Frozen, batch: Batch) -> Callable[[Images], PerExample]:
    """What the classifier says of pictures ``[b h w c]`` that stand for those of the batch."""
    classifier = frozen.classifier
    if cfg.score is Score.LOG_ODDS:
        return lambda images: classifier.log_odds(images, batch.target)
    if cfg.score is Score.PROBABILITY:
        return _probability(frozen, batch.target[:, None])
    clean: Logits = classifier.logits(batch.images)
    # A sort, for of `top_k` every device would do the whole batch.
    return _probability(frozen, jnp.argsort(clean, axis=1, descending=True)[:, :_TOP])


def _probability(frozen: Frozen, classes: Int[Array, "b n"]) -> Callable[[Images], PerExample]:
    """The probability of some classes of each picture together."""

    def of(images):
        shares = probs(frozen.classifier.logits(images), frozen.classifier.head)
        return jnp.take_along_axis(shares, classes, axis=1).sum(axis=1)

    return of


def _whole(keep: Maps) -> Maps:
    """1 where nothing at all is removed, 0 in the hole that an infill fills (FIDO's BBMP)."""
    # Blurs and resizes of ones are 1 but for rounding.
    return (keep >= 1.0 - 1e-5).astype(jnp.float32)


def _initial(cfg: Config, frozen: Frozen, batch: Batch, keys: PRNGKeys) -> Grid:
    """The grid before the first step."""
    num, height, width, _ = batch.images.shape
    cells = lengths.cells(cfg.grid, (height, width))
    shape = (cells, cells, 1)
    if cfg.initial is Initial.ONES:
        return jnp.ones((num, *shape))
    if cfg.initial is Initial.UNIFORM:
        return jax.vmap(lambda key: jax.random.uniform(key, shape))(keys)
    radii = jnp.asarray(disc_radii((height, width)), jnp.float32)
    score = _probability(frozen, batch.target[:, None])  # whatever the mask is optimised for
    context = frozen.infill.prepare(batch.images)

    def without(radius):
        keep = jnp.broadcast_to(
            1.0 - removed_disc(radius, (height, width)), (num, height, width, 1)
        )
        return score(compose(batch.images, keep, frozen.infill(context, _whole(keep), keys)))

    left = jax.lax.map(without, radii)  # [n b]
    lost = left - left[-1] < _LOST * (score(batch.images) - left[-1])
    first = jnp.where(lost.any(axis=0), jnp.argmax(lost, axis=0), len(radii) - 1)
    discs = jax.vmap(lambda radius: removed_disc(radius, (height, width))[0])(radii[first])
    return 1.0 - cells_of(discs, cells)


def _objective(cfg: Config, frozen: Frozen, batch: Batch, score, keys: PRNGKeys):
    """``+-score + prices`` of each image for a grid."""
    size = batch.images.shape[1:3]
    jitter = lengths.whole(cfg.jitter, _JITTER, size, least=2)
    frame = resize(batch.images, *(pixels + jitter for pixels in size))
    context = frozen.infill.prepare(frame, size)
    weight = _area_weight(cfg, size)
    sign = 1.0 if cfg.game is Game.DELETE else -1.0

    def objective(grid, step):
        keep = _keep(cfg, grid, size)
        step_keys = split_each(fold_each(keys, step), 2)
        corner = corners(jitter, step_keys[:, 0])
        hole = window(bordered(_whole(keep), jitter), jitter - corner, frame.shape[1:3])
        filled = frozen.infill(context, hole, step_keys[:, 1])
        image, filled = (window(x, corner, size) for x in (frame, filled))
        found = score(compose(image, keep, filled))
        if cfg.priced is Priced.PIXELS:
            area = masks.total(1.0 - keep if cfg.game is Game.DELETE else keep)
        else:  # an L1 norm: where nothing is paid yet it has no slope
            area = masks.total(absolute(1.0 - grid if cfg.game is Game.DELETE else grid))
        variation = masks.variation(grid, cfg.variation_power)
        ramp = jnp.minimum(1.0, step / cfg.warmup_steps) if cfg.warmup_steps else 1.0
        penalty = ramp * (weight * area + cfg.variation_weight * variation)
        terms = {"score": found, "penalty": penalty, "mask_area": masks.area(keep)}
        return sign * found + penalty, terms

    return objective
