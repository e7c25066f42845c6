"""What each pixel adds to a decision on the way from the adversarial picture to the picture.

Charachon, Cournede, Hudelot, Ardon, "Visual Explanation by Unifying Adversarial Generation and
Feature Importance Attributions", iMIMIC 2021: a path integral of the gradient, along a straight
line or through the latent space of an autoencoder (specs: generative, sec. 3.6; a reconstruction).
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.generator import check_label_map, check_prepares
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.types import AnyArray, Batch, Images, Maps, PerExample, PRNGKey
from xai_jax.methods.syce.settings import Map

Path = Callable[[AnyArray], Images]  # share of the way, 0 to 1 -> pictures


def added(ask: Callable[[Images], PerExample], path: Path, num_steps: int) -> Maps:
    """The integral of ``df/dx . dx`` along a path, the channels' sum; signed.

    Each step counts with the gradient in its middle, so that all pixels together give what f gains,
    but for the curvature of f within a step.

    Args:
        ask: f, of each picture.
        path: from the adversarial picture on.
        num_steps: a gradient each.
    """

    def step(carry: tuple[Images, Images], along: AnyArray) -> tuple[tuple[Images, Images], None]:
        before, total = carry
        after = path(along)
        slope = jax.grad(lambda x: ask(x).sum())(0.5 * (before + after))
        return (after, total + slope * (after - before)), None

    begin = path(jnp.float32(0.0))
    ways = jnp.arange(1, num_steps + 1) / num_steps
    (_, total), _ = jax.lax.scan(step, (begin, jnp.zeros_like(begin)), ways)
    return total.sum(axis=-1, keepdims=True)


def path_of(kind: Map, frozen: Frozen, batch: Batch, adversarial: Images, key: PRNGKey) -> Path:
    """The way from the adversarial to the batch's pictures, or between what their codes draw."""
    if kind is Map.STRAIGHT:
        return lambda along: adversarial + along * (batch.images - adversarial)
    space = frozen.generator
    assert space is not None  # `check` has looked
    keys = example_keys(key, batch.image_id)
    contexts = [space.prepare(x, batch.regions) for x in (adversarial, batch.images)]
    ends = [space.encode(context) for context in contexts]

    def path(along: AnyArray) -> Images:
        codes = jax.tree.map(lambda one, other: one + along * (other - one), *ends)
        return jnp.clip(space.decode(contexts[1], codes, keys), 0.0, 1.0)

    return path


def check(kind: Map, frozen: Frozen, shape: tuple[int, ...]) -> None:
    """Refuses a path through a latent space that is not there.

    Raises:
        ValueError: with what to do.
    """
    if kind is not Map.LATENT:
        return
    if frozen.generator is None:
        raise ValueError(
            "The path goes through codes and there is no generator; name what the training of one "
            "has left, --generator FILE, or set map to straight."
        )
    check_prepares(frozen.generator, shape)


def admit(frozen: Frozen, known: Mapping[str, Any]) -> None:
    """Refuses a picture without the label map that the latent space needs.

    Raises:
        BadPicture: likewise.
    """
    assert frozen.generator is not None  # `check` has looked
    check_label_map(frozen.generator, known)
