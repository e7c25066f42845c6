"""DeepFill, the network with contextual attention, as it was published: rectangles and WGAN-GP."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from xai_jax.core.domains import Count, NotNegative, ShareBelowOne
from xai_jax.core.method import Trainable
from xai_jax.core.rng import example_keys, fold_each, split_each
from xai_jax.core.types import Images, Maps
from xai_jax.losses import adversarial
from xai_jax.nn import deepfill, learner
from xai_jax.nn.deepfill import Critic
from xai_jax.pretrain import ca_losses, ca_parts, holes
from xai_jax.pretrain.ca_parts import Common, State

# Channels of each critic: one of the whole picture, one of the box around the hole.
CRITICS: dict[str, Any] = {
    "whole": Critic((64, 128, 256, 256)),
    "near": Critic((64, 128, 256, 512)),
}

Boxes = Int[Array, "b 2"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Common):
    """Settings; the defaults are the published ones (specs: FIDO, sec. 3.2).

    A hole is most of a box of half of each side. The critics' updates of a step see other holes of
    the same pictures; in the published training they see other pictures.

    Attributes:
        discount: a pixel of a hole counts by this to the power of its distance from the edge.
        penalty_weight: of the gradient penalty.
        critic_steps: updates of the critics before one of the generator.
    """

    discount: ShareBelowOne = 0.9
    penalty_weight: NotNegative = 10.0
    critic_steps: Count = 5

    def build(self) -> Trainable:
        """See `ca_parts.trainable`."""

        def critics(key, one):
            keys = jax.random.split(key, len(CRITICS))
            shown = {"whole": one, "near": near(one, jnp.zeros((1, 2), int))}
            return {
                name: critic.init(own, shown[name])["params"]
                for own, (name, critic) in zip(keys, CRITICS.items(), strict=True)
            }

        return ca_parts.trainable(self, critics, _step(self))


def near(pixels: Images, boxes: Boxes) -> Float[Array, "b y x c"]:
    """The box of half of each side of each picture, ``[b h/2 w/2 c]``."""
    _, height, width, channels = pixels.shape
    size = height // 2, width // 2, channels

    def one(picture, box):
        return jax.lax.dynamic_slice(picture, (box[0], box[1], 0), size)

    return jax.vmap(one)(pixels, boxes)


def _drawn(batch, key, number) -> tuple[Maps, Boxes, jax.Array]:
    """Holes, the boxes that they lie in, and a key a picture for the gradient penalty."""
    keys = fold_each(example_keys(key, batch.image_id), number)
    for_box, for_hole, for_place = jnp.moveaxis(split_each(keys, 3), 1, 0)
    size = batch.images.shape[1:3]
    boxes = holes.boxes(for_box, *size)
    return holes.within(boxes, for_hole, *size), boxes, for_place


def _views(pixels: Images, boxes: Boxes) -> dict[str, Images]:
    """What each critic sees of pictures, or of maps."""
    return {"whole": pixels, "near": near(pixels, boxes)}


def _of_critic(name: str, penalty_weight: float) -> Callable:
    def loss(params, statistics, batch, keep, boxes, fake, keys):
        real, found, where = (
            _views(x, boxes)[name] for x in (deepfill.scaled(batch.images), fake, 1.0 - keep)
        )
        say = functools.partial(CRITICS[name].apply, {"params": params})
        penalty = adversarial.gradient_penalty(say, real, found, where, keys)
        return say(found) - say(real) + penalty_weight * penalty, {}, statistics

    return loss


def _of_generator(cfg: Config) -> Callable:
    def loss(params, statistics, batch, keep, boxes, critics):
        found, fake = ca_parts.filled(cfg.network, params, batch.images, keep)
        counted = ca_losses.discount(keep, cfg.discount)
        pixels = ca_parts.pixels(cfg, batch.images, keep, found, counted)
        said = jnp.zeros(len(pixels))
        for name, view in _views(fake, boxes).items():
            said += CRITICS[name].apply({"params": critics[name].params}, view)
        return pixels - cfg.adversarial_weight * said, {"pixels": pixels}, statistics

    return loss


def _step(cfg: Config) -> ca_parts.Step:
    """Updates of both critics, then one of the generator."""

    def step(state: State, frozen, batch, key, axis_name=None):
        del frozen
        tx = cfg.optimiser(state.num_steps)

        def criticise(critics, number):
            keep, boxes, keys = _drawn(batch, key, number)
            _, fake = ca_parts.filled(cfg.network, state.generator.params, batch.images, keep)
            after, said = {}, {}
            for name, one in critics.items():
                loss = _of_critic(name, cfg.penalty_weight)
                after[name], metrics = learner.minimise(
                    one, tx, loss, batch, keep, boxes, fake, keys, axis_name=axis_name
                )
                said[f"critic_{name}"] = metrics["loss"]
            return after, said

        numbers = jnp.arange(cfg.critic_steps)
        critics, said = jax.lax.scan(criticise, dict(state.critics), numbers)
        keep, boxes, _ = _drawn(batch, key, cfg.critic_steps)
        made, metrics = learner.minimise(
            state.generator,
            tx,
            _of_generator(cfg),
            batch,
            keep,
            boxes,
            critics,
            axis_name=axis_name,
        )
        metrics |= {name: jnp.mean(each) for name, each in said.items()}
        return State(made, critics, state.num_steps + 1), metrics

    return step
