"""What a validation says of both sides, and of the critics: each side is averaged by itself."""

import functools

import jax.numpy as jnp

from xai_jax.core import decision
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Images, PerExample, PRNGKey
from xai_jax.methods.syce import domains, terms, training
from xai_jax.methods.syce.domains import NAMES, Decisions
from xai_jax.methods.syce.settings import Generators
from xai_jax.nn.learner import Weights

_POOLED = ("flipped", "kept", "adversarial")  # of which the mean over all pictures is told, too
_FOOLED = 0.01  # a critic that takes less, or all but less, of what is drawn for real has collapsed
_FLAT = 1 / 255  # a picture of less contrast shows nothing


def measure(
    cfg: Generators,
    weights: Weights,
    state: training.State,
    frozen: Frozen,
    batch: Batch,
    key: PRNGKey,
) -> dict[str, PerExample]:
    """The generators' loss of each picture and its terms, and what the classifier makes of it.

    By side, as `by_side` says.
    """
    draw = terms.drawing(cfg)
    decided = decision.class_of(frozen.classifier, cfg.decided_class, batch.images.shape)
    ask = functools.partial(decision.log_odds, frozen.classifier, decided)
    odds = ask(batch.images)
    is_one = odds >= 0

    def pictures_of(own, other, images):
        return terms.made(cfg, draw, own, other, images)

    pictures = domains.by_domain(pictures_of, weights.params, batch.images, is_one)
    said = terms.asked(ask, {n: x for n, x in pictures.items() if n != terms.MASK})
    adversarial = pictures[terms.ADVERSARIAL]
    shown = {
        "flipped": (said[terms.ADVERSARIAL] >= 0) != is_one,
        "adversarial": _off(adversarial, batch.images),
        "flat": jnp.ptp(adversarial, axis=(1, 2, 3)) < _FLAT,
    }
    if terms.SYMMETRIC in pictures:
        shown["kept"] = (said[terms.SYMMETRIC] >= 0) == is_one
    real = None
    if state.critics:
        keys = example_keys(key, batch.image_id)
        by_critic = [
            training.logits_of(cfg, state.critics[n].params, adversarial, keys) for n in NAMES
        ]
        real = jnp.where(is_one, by_critic[0], by_critic[1])  # a critic of the other domain
        shown["fooling"] = real > 0
    target = training.target_of(cfg, odds)
    found = terms.terms(cfg.loss, batch.images, target, pictures, said, real)
    loss = terms.weighted(cfg.loss, found)
    return by_side({"loss": loss, **found, **shown}, is_one)


def by_side(values: dict[str, PerExample], is_one: Decisions) -> dict[str, PerExample]:
    """Each value under a name of its picture's side, 0 under that of the other; `summary` reads it.

    ``share_zero`` and ``share_one`` are 1 for the pictures of the side.
    """
    found: dict[str, PerExample] = {}
    for name, side in zip(NAMES, (~is_one, is_one), strict=True):
        found |= {
            f"{n}_{name}": jnp.where(side, x, 0).astype(jnp.float32) for n, x in values.items()
        }
        found[f"share_{name}"] = side.astype(jnp.float32)
    return found


def summary(means: dict[str, float]) -> dict[str, float]:
    """The means over the pictures of either side, out of those of `by_side` over all pictures.

    ``loss`` is the sum of both sides', as in training, however many pictures either has.
    ``flat_zero`` is the share of the pictures drawn of those of side zero that are of one grey.
    ``fooled_zero`` is the share of the pictures drawn for side zero that its critic takes for real,
    and ``collapsed_zero`` 1 where that is next to none or next to all.

    Raises:
        ValueError: a side has no picture.
    """
    found: dict[str, float] = {}
    for name in NAMES:
        share = means[f"share_{name}"]
        if not share:
            raise ValueError(
                f"The classifier decides all pictures to validate with alike: side {name} has "
                "none. Validate with pictures that it decides both ways."
            )
        own = {n: x / share for n, x in means.items() if n.endswith(f"_{name}")}
        found |= own | {f"share_{name}": share}
    found["loss"] = sum(found[f"loss_{name}"] for name in NAMES)
    for kind in _POOLED:
        if f"{kind}_{NAMES[0]}" in means:
            found[kind] = sum(means[f"{kind}_{name}"] for name in NAMES)
    for name, other in zip(NAMES, reversed(NAMES), strict=True):
        if f"fooling_{other}" in found:  # what is drawn of the one side is judged by the other's
            fooled = found.pop(f"fooling_{other}")
            found[f"fooled_{name}"] = fooled
            found[f"collapsed_{name}"] = float(not _FOOLED <= fooled <= 1.0 - _FOOLED)
    return found


def _off(one: Images, other: Images) -> PerExample:
    """Mean absolute difference."""
    return jnp.abs(one - other).mean(axis=(1, 2, 3))
