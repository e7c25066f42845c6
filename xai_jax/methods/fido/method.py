"""FIDO: a Bernoulli mask per image, optimised through the concrete relaxation.

Chang, Creager, Goldenberg, Duvenaud, "Explaining Image Classifiers by Counterfactual Generation",
ICLR 2019.
"""

import dataclasses
import enum
import functools
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import optax

from xai_jax.core import lengths, outputs, parts
from xai_jax.core.domains import Count, InnerShare, Natural, NotEmpty, NotNegative, Positive, Side
from xai_jax.core.image import bounded, resize_align_corners
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import linear_decay, optimise
from xai_jax.core.rng import example_keys, fold_each
from xai_jax.core.settings import Settings
from xai_jax.core.types import (
    Batch,
    Explanation,
    Images,
    Maps,
    PerExample,
    PRNGKey,
    PRNGKeys,
)
from xai_jax.losses import masks
from xai_jax.methods.fido import composites

AREA_WEIGHT = 1e-3  # nats a pixel of 224 x 224


class Game(enum.Enum):
    """What the mask is optimised for."""

    SSR = "ssr"  # smallest sufficient region: keep little, and still be sure of the target
    SDR = "sdr"  # smallest destroying region: drop little, and lose the target


class Display(enum.Enum):
    """How the grid becomes a map of the image."""

    LOGITS = "logits"  # upsample the logits, then the sigmoid: the reference's saliency map
    PROBABILITIES = (
        "probabilities"  # upsample the probabilities: the distribution that was optimised
    )


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones (specs: FIDO, sec. 2).

    Attributes:
        game: SSR or SDR.
        grids: sides of the optimised grids; their logits add up (one grid in the paper). None has
            more cells than the picture pixels.
        num_steps: optimisation steps.
        num_samples: masks drawn an image and step; a step costs as many classifier calls.
        learning_rate: of Adam, falling linearly to 0.
        area_weight: nats per pixel kept (SSR) or dropped (SDR). ``None``: the published 0.001 for
            224 x 224 pixels, and for others what makes the whole picture cost as much, 50 nats.
        smoothness_weight: nats per unit of squared variation of the drop probabilities; 0 in the
            paper.
        warmup_steps: the two penalties grow linearly over so many steps.
        temperature: of the concrete gate.
        initial_temperature: at the first step, falling geometrically to `temperature` at the last.
            ``None``: `temperature` throughout, as published.
        initial_drop: drop probability at the start, in (0, 1).
        display: which map is returned.
        infill_every: a mask's noise, and the fill of its holes, serve so many steps; for infills
            that cost more than the classifier. 1 as published. Until the next fill a pixel that was
            kept when the holes were filled shows the picture, even once the mask drops it.
        inner_batch_size: at most so many composites go through the classifier at once (images x
            samples); bounds memory, leaves the result as it is. ``None``: all at once.
    """

    game: Game = Game.SSR
    grids: Annotated[tuple[Side, ...], NotEmpty()] = (56,)
    num_steps: Count = 300
    num_samples: Count = 8
    learning_rate: NotNegative = 0.05
    area_weight: NotNegative | None = None
    smoothness_weight: NotNegative = 0.0
    warmup_steps: Natural = 30
    temperature: Positive = 0.1
    initial_temperature: Positive | None = None
    initial_drop: InnerShare = 0.5
    display: Display = Display.LOGITS
    infill_every: Count = 1
    inner_batch_size: Count | None = None

    @classmethod
    def fast(cls) -> "Config":
        """A lower objective than the published setting with a sixteenth of its classifier calls.

        Coarse grids gather the gradient of many pixels, and a gate that starts warm is smooth: one
        mask a step is then enough (benchmark `fido_calls`).
        """
        return cls(
            grids=(7, 14, 28, 56),
            num_steps=150,
            num_samples=1,
            learning_rate=0.3,
            warmup_steps=15,
            initial_temperature=1.0,
        )

    @classmethod
    def robust(cls) -> "Config":
        """`fast` with two masks a step, for masks that each draw another infill (`infills.mixed`).

        300 classifier calls, and a fill for every second. What is kept is then to suffice whatever
        stands where the rest was (benchmark `fido_robust`).
        """
        return dataclasses.replace(cls.fast(), num_samples=2, infill_every=2)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: seconds on one CPU core, on small pictures."""
        return cls(
            grids=(8,),
            num_steps=40,
            num_samples=4,
            learning_rate=0.3,
            area_weight=1e-3,
            warmup_steps=4,
        )

    def build(self) -> Method:
        """The method with these settings.

        Raises:
            ValueError: a fill is to serve several steps, and the composites to come in parts.
        """
        if self.infill_every > 1 and self.inner_batch_size is not None:
            raise ValueError(
                f"infill_every is {self.infill_every} (2 in the preset robust) and "
                f"inner_batch_size {self.inner_batch_size}: fills that serve several steps must "
                "stay in memory; set infill_every to 1, or leave inner_batch_size out and explain "
                "fewer pictures in one call."
            )
        return fido(self)


_OUTPUTS = (
    outputs.KEEP,
    outputs.trace("objective", "nats", "What is minimised."),
    outputs.trace("log_odds", "nats", "Of the target, mean over the masks drawn at the step."),
    outputs.trace("penalty", "nats", "Price of the area and of its roughness, as it grows in."),
    outputs.trace("mask_area", "in [0, 1]", "Share of the picture that is kept on average."),
)


def fido(cfg: Config) -> Method:
    """Explains each image by a distribution over masks; nothing is learned across images."""
    tx = optax.adam(linear_decay(cfg.learning_rate, cfg.num_steps))

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        grids = _initial(cfg, batch.images)
        objective = _objective(cfg, frozen, batch, example_keys(key, batch.image_id))
        chunks = parts.equal(cfg.num_samples, len(batch.images), 1, cfg.inner_batch_size)
        if cfg.infill_every > 1:
            memory: dict[str, Any] = {"memory": _no_fills(cfg, batch.images)}
        else:
            memory = {"chunks": chunks}
        grids, trace = optimise(objective, grids, tx, jnp.arange(cfg.num_steps), **memory)
        keep = _displayed_keep(cfg, grids, batch.images.shape[1:3])
        saliency = keep - 0.5 if cfg.game is Game.SSR else 0.5 - keep
        return Explanation(keep=keep, saliency=saliency, target=batch.target, numbers=trace)

    return Method(explain=explain, outputs=_OUTPUTS)


def _temperature(cfg: Config, step: jax.Array) -> jax.Array:
    """Of the gate at a step: geometrically from the initial to the final one."""
    start = cfg.temperature if cfg.initial_temperature is None else cfg.initial_temperature
    return start * (cfg.temperature / start) ** (step / max(cfg.num_steps - 1, 1))


def _initial(cfg: Config, images: Images) -> tuple[jax.Array, ...]:
    """Drop logits ``[b g g 1]``, one array a grid; the first carries the initial probability."""
    start = jnp.log(cfg.initial_drop) - jnp.log1p(-cfg.initial_drop)
    sides = [lengths.cells(side, images.shape[1:3]) for side in cfg.grids]
    return tuple(
        jnp.full((len(images), g, g, 1), start if i == 0 else 0.0) for i, g in enumerate(sides)
    )


def drop_probability(grids: tuple[jax.Array, ...], height: int, width: int) -> Maps:
    """Drop probabilities ``[b h w 1]``: sigmoid on the grid, then bilinear (sec. 1.1)."""
    probability = jax.nn.sigmoid(_drop_logits(grids))
    # Interpolating between ones may round to just above one.
    return bounded(resize_align_corners(probability, height, width))


def _drop_logits(grids: tuple[jax.Array, ...]) -> jax.Array:
    """The sum of the grids, at the side of the finest, ``[b g g 1]``."""
    finest = max(grid.shape[1] for grid in grids)
    resized = [resize_align_corners(grid, finest, finest) for grid in grids]
    return functools.reduce(jnp.add, resized)


def _no_fills(cfg: Config, images: Images) -> jax.Array:
    """Room for the fills of all masks, ``[b s h w c]``."""
    return jnp.zeros((len(images), cfg.num_samples, *images.shape[1:]), images.dtype)


def _objective(cfg: Config, frozen: Frozen, batch: Batch, keys: PRNGKeys):
    """``E_q[-+ log-odds] + area_weight * sum`` of each image (sec. 1), for `core.optimise`.

    It takes the samples of a chunk; or, where fills serve several steps, those of the step before.
    """
    context = frozen.infill.prepare(batch.images)

    def drawn(grids, step, samples):
        drop = drop_probability(grids, *batch.images.shape[1:3])
        step_keys = fold_each(keys, step // cfg.infill_every)
        sample_keys = jax.vmap(lambda s: fold_each(step_keys, s), out_axes=1)(samples)  # [b s]
        return drop, composites.draw(drop, sample_keys, _temperature(cfg, step))

    def in_chunks(grids, step, samples):
        drop, found = drawn(grids, step, samples)
        fills = composites.fills(frozen, context, found, len(samples))
        score = composites.log_odds(frozen, batch, found.keep, fills)
        return _priced(cfg, step, drop, score)

    def with_memory(grids, step, old):
        drop, found = drawn(grids, step, jnp.arange(cfg.num_samples))
        fresh = functools.partial(composites.fills, frozen, context, found, cfg.num_samples)
        flat = old.reshape(-1, *old.shape[2:])  # [b*s h w c]
        fills = jax.lax.cond(step % cfg.infill_every == 0, fresh, lambda: flat)
        score = composites.log_odds(frozen, batch, found.keep, fills)
        return *_priced(cfg, step, drop, score), fills.reshape(old.shape)

    return in_chunks if cfg.infill_every == 1 else with_memory


def _priced(
    cfg: Config, step: jax.Array, drop: Maps, score: PerExample
) -> tuple[PerExample, dict[str, PerExample]]:
    """The objective of a step and its terms, from the mean log-odds of its masks."""
    sign, priced = (-1.0, 1.0 - drop) if cfg.game is Game.SSR else (1.0, drop)
    weight = lengths.price(cfg.area_weight, AREA_WEIGHT, drop.shape[1:3])
    penalty = weight * masks.total(priced)
    if cfg.smoothness_weight:
        penalty += cfg.smoothness_weight * masks.squared_variation(drop)
    ramp = jnp.minimum(1.0, step / cfg.warmup_steps) if cfg.warmup_steps else 1.0
    terms = {"log_odds": score, "penalty": ramp * penalty, "mask_area": masks.area(1.0 - drop)}
    return sign * score + ramp * penalty, terms


def _displayed_keep(cfg: Config, grids: tuple[jax.Array, ...], shape: tuple[int, int]) -> Maps:
    """Keep probabilities ``[b h w 1]`` under the chosen convention."""
    if cfg.display is Display.PROBABILITIES:
        return 1.0 - drop_probability(grids, *shape)
    return jax.nn.sigmoid(-resize_align_corners(_drop_logits(grids), *shape))
