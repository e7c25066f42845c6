"""iGOS++: two masks whose product deletes the class, and inserts it, with few pixels.

Khorram, Lawson, Li, "iGOS++: Integrated Gradient Optimized Saliency by Bilateral Perturbations",
CHIL 2021.
"""

import dataclasses
from typing import Annotated

import jax.numpy as jnp
import optax

from xai_jax.core import lengths, outputs, parts
from xai_jax.core.domains import Count, Interval, Natural, NotNegative, Side
from xai_jax.core.image import bounded, gaussian_blur, resize_align_corners
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import optimise
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Score
from xai_jax.core.types import Batch, Explanation, Images, PRNGKey, PRNGKeys
from xai_jax.losses import masks
from xai_jax.methods.igos.descent import Descent, line_search, nesterov
from xai_jax.methods.igos.terms import TERMS, Game, game_value, penalty, term_scores

_BLUR, _RADIUS = 50.0, 25  # pixels of 224
_LOOKS = 64  # at the masks in a step, at most: one for the gradient, then those of a line search


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are those that NN-Explainer's authors compare with.

    Attributes:
        grid: side of the two optimised masks; at most a cell a pixel.
        num_steps: optimisation steps.
        num_points: points on the way to a mask at which its gradient is taken, four classifier
            calls each.
        descent: how the masks move along the gradient.
        rate: of the descent; the largest one that a line search tries.
        area_weight: price of removing the whole picture.
        variation_weight: price of a unit of bilateral variation.
        noise: standard deviation of the noise on all composites, in what the network eats.
        blur: standard deviation of the blur that stands where a mask deletes, pixels. ``None``: 50
            where the short side is 224, and in proportion elsewhere.
        blur_radius: half-width of its kernel, pixels; ``None``: 25, likewise.
        score: what a composite is asked for.
        inner_batch_size: at most so many composites go through the classifier at once (4 x images x
            points); bounds memory, leaves the result as it is.
    """

    grid: Side = 28
    num_steps: Count = 20
    num_points: Count = 15
    descent: Descent = Descent.LINE_SEARCH
    rate: Annotated[float, Interval(0, 1e6, above=True)] = 1000.0
    area_weight: NotNegative = 1.0
    variation_weight: NotNegative = 20.0
    noise: NotNegative = 0.2
    blur: NotNegative | None = None
    blur_radius: Natural | None = None
    score: Score = Score.SOFTMAX
    inner_batch_size: Count = 64

    @classmethod
    def newer(cls) -> "Config":
        """The authors' later code: momentum in place of the line search, a mask of 224 pixels.

        The rate is ours: four times that and the variation swings up.
        """
        return cls(grid=224, descent=Descent.NESTEROV, rate=100.0, area_weight=10.0)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: seconds on one CPU core, on small pictures."""
        return cls(
            grid=8,
            num_steps=4,
            num_points=3,
            rate=100.0,
            blur=50.0,
            blur_radius=25,
            inner_batch_size=96,
        )

    def build(self) -> Method:
        """The method with these settings."""
        return igos(self)


_OUTPUTS = (
    outputs.KEEP,
    outputs.trace("objective", "of the setting `score`", "What is minimised."),
    outputs.trace("deleted", "of the setting `score`", "What is left when both masks delete."),
    outputs.trace("inserted", "of the setting `score`", "What is there when both masks insert."),
    outputs.trace("penalty", "of the setting `score`", "Price of area and variation."),
    outputs.trace("mask_area", "in [0, 1]", "Share of the picture that is kept."),
)


def igos(cfg: Config) -> Method:
    """Explains each image by the product of two masks; nothing is learned across images."""

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        num, height, width, _ = batch.images.shape
        chunks = parts.equal(cfg.num_points, num, TERMS, cfg.inner_batch_size)
        keys = example_keys(key, batch.image_id)
        cells = lengths.cells(cfg.grid, (height, width))
        game = Game(
            frozen=frozen,
            batch=batch,
            blurred=_blurred(cfg, batch.images),
            num_points=cfg.num_points,
            noise=cfg.noise,
            score=cfg.score,
        )
        grids, trace = optimise(
            _objective(cfg, game, keys),
            jnp.ones((num, cells, cells, 2)),
            _descent(cfg, game, keys),
            jnp.arange(cfg.num_steps),
            project=lambda x: jnp.clip(x, 0.0, 1.0),
            chunks=chunks,
        )
        mask = resize_align_corners(grids[..., :1] * grids[..., 1:], height, width)
        keep = 1.0 - bounded(mask)
        return Explanation(keep=keep, saliency=keep, target=batch.target, numbers=trace)

    def check(frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
        del frozen
        parts.check_limit(shape[0], TERMS, cfg.inner_batch_size)

    return Method(explain=explain, outputs=_OUTPUTS, check=check)


def _blurred(cfg: Config, images: Images) -> Images:
    size = images.shape[1:3]
    sigma = lengths.length(cfg.blur, _BLUR, size)
    return gaussian_blur(images, sigma, radius=lengths.whole(cfg.blur_radius, _RADIUS, size))


def _objective(cfg: Config, game: Game, keys: PRNGKeys):
    """Half of `game_value` and the prices: its slopes in the two masks are those of the paper."""
    normalised = game.frozen.classifier.normalise(game.batch.images)

    def objective(grids, step, points):
        found = term_scores(game, grids, keys, step * _LOOKS, points).mean(axis=1)
        price = penalty(grids, normalised, cfg.area_weight, cfg.variation_weight)
        terms = {
            "deleted": found[:, 0],
            "inserted": found[:, 1],
            "penalty": price,
            "mask_area": 1.0 - masks.area(grids[..., :1] * grids[..., 1:]),
        }
        return 0.5 * game_value(found) + price, terms

    return objective


def _descent(cfg: Config, game: Game, keys: PRNGKeys) -> optax.GradientTransformation:
    if cfg.descent is Descent.NESTEROV:
        return nesterov(cfg.rate, cfg.num_steps)
    normalised = game.frozen.classifier.normalise(game.batch.images)

    def loss(grids, step, evaluation):
        look = step * _LOOKS + 1 + evaluation
        found = parts.mapped(
            lambda points: term_scores(game, grids, keys, look, points),
            cfg.num_points,
            each=TERMS * len(grids),
            limit=cfg.inner_batch_size,
        ).mean(axis=1)
        price = penalty(grids, normalised, cfg.area_weight, cfg.variation_weight)
        return game_value(found) + price

    return line_search(loss, cfg.rate)
