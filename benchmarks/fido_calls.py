"""The objective that FIDO reaches: the fast preset against the published setting, on real pictures.

The objective is ``E_q[-+ log-odds] + area_weight * sum`` in nats, lower is better, estimated
afterwards with
64 fresh soft masks an image at the published temperature and the full weight.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject
from xai_jax.core import lengths
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys, fold_each
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.losses import masks
from xai_jax.methods import fido
from xai_jax.methods.fido.composites import mean_log_odds
from xai_jax.methods.fido.method import AREA_WEIGHT

CLASSES = (207, 281, 340, 504, 817, 920)  # one picture each, explained for its label
FEWER_STEPS = (100, 75, 50, 35, 25)  # below the fast preset's own
FRESH_MASKS = 64
SETTINGS = ((fido.Game.SSR, Blur()), (fido.Game.SDR, Mean()))


def objective(config: fido.Config, frozen: Frozen, batch, keep) -> np.ndarray:
    """``[b]``, with masks that the optimisation has not seen."""

    @jax.jit
    def evaluate(frozen, batch, drop):
        context = frozen.infill.prepare(batch.images)
        keys = example_keys(jax.random.key(2**31), batch.image_id)

        def score(sample):
            one = fold_each(keys, sample)[:, None]
            return mean_log_odds(frozen, batch, context, drop, one, config.temperature)

        return jax.lax.map(score, jnp.arange(FRESH_MASKS)).mean(axis=0)

    score = evaluate(frozen, batch, 1.0 - keep)
    weight = lengths.price(config.area_weight, AREA_WEIGHT, keep.shape[1:3])
    if config.game is fido.Game.SSR:
        return np.asarray(-score + weight * masks.total(keep))
    return np.asarray(score + weight * masks.total(1.0 - keep))


def reached(config: fido.Config, frozen: Frozen, batch) -> np.ndarray:
    """Objective ``[b]`` after the optimisation with `config`."""
    shown = dataclasses.replace(config, display=fido.Display.PROBABILITIES)
    explanation = jax.jit(shown.build().explain)((), frozen, batch, jax.random.key(0))
    return objective(config, frozen, batch, explanation.keep)


def calls(config: fido.Config) -> int:
    """Classifier calls an image: forward and backward together count as one."""
    return config.num_steps * config.num_samples


def _row(game, name: str, config: fido.Config, found: np.ndarray, published: np.ndarray) -> dict:
    return {
        "case": f"{game.value}, {name}",
        "calls": calls(config),
        "value": round(float(found.mean()), 3),
        "unit": f"nats, mean of {len(found)} pictures",
        "limit": round(float(published.mean()), 3),
        "ratio": round(calls(config) / calls(fido.Config()), 4),
        "each": [round(float(x), 2) for x in found],
    }


def rows():
    classifier = subject.frozen().classifier
    batch = subject.batch_of(subject.imagenet_samples(CLASSES), np.array(CLASSES))
    for game, infill in SETTINGS:
        frozen = Frozen(classifier=classifier, infill=infill.build(classifier))
        published = dataclasses.replace(fido.Config(), game=game)
        fast = dataclasses.replace(fido.Config.fast(), game=game)
        limit = reached(published, frozen, batch)
        yield _row(game, "published", published, limit, limit)
        yield _row(game, "fast", fast, reached(fast, frozen, batch), limit)
        for steps in FEWER_STEPS:
            fewer = dataclasses.replace(fast, num_steps=steps, warmup_steps=steps // 10)
            found = reached(fewer, frozen, batch)
            yield _row(game, f"fast with {steps} steps", fewer, found, limit)
            if found.mean() > limit.mean():
                break
