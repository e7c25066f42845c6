"""Latent shift: the code of a picture moves along the classifier's gradient until it decides anew.

Cohen, Brooks, En, Zucker, Pareek, Lungren, Chaudhari, "Gifsplanation via Latent Shift: A Simple
Autoencoder Approach to Counterfactual Generation for Chest X-rays", MIDL 2021. Nothing is trained
but the latent space, which any `core.generator.Generator` is.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.domains import Count, NotNegative, Positive
from xai_jax.core.generator import Generator, check_label_map, check_prepares
from xai_jax.core.method import Frozen, Method
from xai_jax.core.outputs import COUNTERFACTUAL, DIFFERENCE, STABLE
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import away
from xai_jax.core.types import Batch, Explanation, Images, PerExample, PRNGKey, PyTree

_SHIFT = outputs.number(
    "shift",
    "lengths of the code",
    "How far the code has moved; the largest where no shift that was tried flips it.",
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the authors search the shift too, the grid is ours.

    Attributes:
        least: the smallest shift that is tried, in lengths of the picture's code.
        largest: the largest.
        num_trials: shifts that are tried, from the largest on, each the same factor below the one
            before; one classifier and one decoder call each.
        margin: log-odds on the other side, in nats, that count as decided anew.
        num_pictures: pictures on the way to that shift; the map is the largest change among them.
    """

    least: Positive = 0.05
    largest: Positive = 5.0
    num_trials: Count = 16
    margin: NotNegative = 1.0
    num_pictures: Count = 10

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a second on one CPU core, on small pictures."""
        return cls(num_trials=6, num_pictures=3)

    def build(self) -> Method:
        """The method with these settings."""
        return latent_shift(self)


def latent_shift(cfg: Config) -> Method:
    """Explains each picture by its target: whether it is there, and what would change that."""

    def explain(weights: tuple[()], frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
        del weights
        space = _space(frozen)
        context = space.prepare(batch.images, batch.regions)
        decode = functools.partial(_decoded, frozen, context, example_keys(key, batch.image_id))
        codes = space.encode(context)
        ask = functools.partial(frozen.classifier.log_odds, target=batch.target)
        along, stable = _direction(lambda codes: ask(decode(codes)), codes), decode(codes)
        sign = away(ask(batch.images))

        def shifted(by: PerExample) -> Images:
            return decode(_moved(codes, along, sign * by))

        shift = _found(cfg, lambda by: sign * ask(shifted(by)), len(sign))
        adversarial = shifted(shift)

        def larger(most, part):
            off = jnp.abs(shifted(shift * part) - stable).mean(axis=-1, keepdims=True)
            return jnp.maximum(most, off), None

        ways = jnp.arange(1, cfg.num_pictures + 1) / cfg.num_pictures
        saliency, _ = jax.lax.scan(larger, jnp.zeros_like(stable[..., :1]), ways)
        return Explanation(
            target=batch.target,
            saliency=saliency,
            maps={DIFFERENCE.name: (stable - adversarial).mean(axis=-1, keepdims=True)},
            pictures={COUNTERFACTUAL.name: adversarial, STABLE.name: stable},
            numbers={_SHIFT.name: shift},
        )

    return Method(
        explain=explain,
        outputs=(COUNTERFACTUAL, STABLE, DIFFERENCE, _SHIFT),
        check=functools.partial(_check, cfg),
        admit=lambda frozen, known: check_label_map(_space(frozen), known),
    )


def _check(cfg: Config, frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
    if frozen.generator is None:
        raise ValueError(
            "Latent shift moves the code of a picture and there is no generator; name what the "
            "training of one has left, --generator FILE, or give Explained a generator."
        )
    if cfg.least > cfg.largest:
        raise ValueError(f"least is {cfg.least} and largest {cfg.largest}; swap the two.")
    check_prepares(frozen.generator, shape)


def _decoded(frozen: Frozen, context: Any, keys: Any, codes: PyTree) -> Images:
    """Pictures of codes, within the range of pixels."""
    return jnp.clip(_space(frozen).decode(context, codes, keys), 0.0, 1.0)


def _space(frozen: Frozen) -> Generator:
    assert frozen.generator is not None  # `_check` has looked
    return frozen.generator


def _direction(ask: Callable[[PyTree], PerExample], codes: PyTree) -> PyTree:
    """The gradient of the log-odds, as long as the code; of no length where there is none."""
    gradient = jax.grad(lambda codes: ask(codes).sum())(codes)
    length, own = _length(gradient), _length(codes)
    factor = own / jnp.where(length > 0, length, 1.0)
    return jax.tree.map(lambda x: x * _as_rows(factor, x), gradient)


def _length(codes: PyTree) -> PerExample:
    """Root of the sum of squares of each picture's code."""
    squares = [jnp.square(x).reshape(len(x), -1).sum(axis=1) for x in jax.tree.leaves(codes)]
    return jnp.sqrt(sum(squares))


def _moved(codes: PyTree, along: PyTree, by: PerExample) -> PyTree:
    return jax.tree.map(lambda code, way: code + _as_rows(by, way) * way, codes, along)


def _as_rows(x: PerExample, like: Any) -> Any:
    return x.reshape(-1, *[1] * (like.ndim - 1))


def _found(cfg: Config, decided: Callable[[PerExample], PerExample], num: int) -> PerExample:
    """The smallest shift of the grid at which it is decided anew; the largest without one."""
    tried = jnp.geomspace(cfg.largest, cfg.least, cfg.num_trials)  # one trial: of the largest

    def look(best, by):
        enough = decided(jnp.full(num, by)) >= cfg.margin
        return jnp.where(enough, jnp.minimum(best, by), best), None

    best, _ = jax.lax.scan(look, jnp.full(num, cfg.largest), tried)
    return best
