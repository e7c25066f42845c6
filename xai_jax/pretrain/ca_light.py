"""DeepFill for a CPU: a quarter of the width, no coarse network, one small critic of patches.

It differs from what was published (`pretrain.ca_inpainter`) in its holes, too, which are those that
methods make, and in a loss of features, which are those of Lite1: a network that explains nothing
and judges nothing.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.domains import Count, Natural, NotNegative, ShareBelowOne
from xai_jax.core.method import Trainable
from xai_jax.core.rng import example_keys
from xai_jax.losses import adversarial
from xai_jax.nn import deepfill, learner
from xai_jax.nn.deepfill import Network, PatchCritic
from xai_jax.pretrain import ca_parts, holes, perceptual
from xai_jax.pretrain.ca_parts import Common, State


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Common):
    """Settings.

    Attributes:
        network, learning_rate, pixel_weight, adversarial_weight, average: as in `Common`.
        feature_weight: of the difference of Lite1's features; above 0, `explained.classifier` must
            be efficientnet_lite1.
        critic_from: the step from which on there is a critic.
        critic_width: channels of its first layer.
    """

    network: Network = dataclasses.field(default_factory=lambda: Network(width=8, coarse=False))
    learning_rate: NotNegative = 1e-3
    adversarial_weight: NotNegative = 0.02
    average: ShareBelowOne = 0.999
    feature_weight: NotNegative = 1.0
    critic_from: Natural = 0
    critic_width: Count = 32

    def build(self) -> Trainable:
        """See `ca_parts.trainable`."""
        critic = PatchCritic(self.critic_width)

        def critics(key, one):
            return {"patches": critic.init(key, one, one[..., :1])["params"]}

        return ca_parts.trainable(self, critics, _step(self))


def _step(cfg: Config) -> ca_parts.Step:
    """The generator, then the critic on the same filled pictures."""
    of_generator, of_critic = _of_generator(cfg), _of_critic(cfg)

    def step(state: State, frozen, batch, key, axis_name=None):
        perceptual.check(cfg.feature_weight, frozen)
        tx = cfg.optimiser(state.num_steps)
        keep = holes.holes(example_keys(key, batch.image_id), *batch.images.shape[1:3])
        has_critic = state.num_steps >= cfg.critic_from
        before = state.critics["patches"]
        given = keep, frozen, before.params, has_critic
        made, metrics = learner.minimise(
            state.generator, tx, of_generator, batch, *given, axis_name=axis_name
        )
        # The filled pictures come with the statistics, so that they need not be made again.
        fake = jax.lax.stop_gradient(made.statistics)

        def criticise():
            given = batch, keep, fake
            return learner.minimise(before, tx, of_critic, *given, axis_name=axis_name)

        untouched = before, {"loss": jnp.float32(0.0)}
        after, said = jax.lax.cond(has_critic, criticise, lambda: untouched)
        made = dataclasses.replace(made, statistics={})
        state = State(made, {"patches": after}, state.num_steps + 1)
        return state, {**metrics, "critic": said["loss"]}

    return step


def _of_generator(cfg: Config) -> Callable[..., Any]:
    critic: Any = PatchCritic(cfg.critic_width)

    def loss(params, statistics, batch, keep, frozen, critic_params, has_critic):
        del statistics
        found, fake = ca_parts.filled(cfg.network, params, batch.images, keep)
        terms = {"pixels": ca_parts.pixels(cfg, batch.images, keep, found, 1.0)}
        value = terms["pixels"]
        if cfg.feature_weight:
            shown = deepfill.unscaled(fake)
            terms["features"] = perceptual.difference(frozen.classifier, shown, batch.images)
            value += cfg.feature_weight * terms["features"]

        def judge(fake):
            return critic.apply({"params": critic_params}, fake, 1.0 - keep).mean((1, 2, 3))

        said = adversarial.from_then_on(has_critic, judge, fake)
        return value - cfg.adversarial_weight * said, terms, fake

    return loss


def _of_critic(cfg: Config) -> Callable[..., Any]:
    critic: Any = PatchCritic(cfg.critic_width)

    def loss(params, statistics, batch, keep, fake):
        real, where = deepfill.scaled(batch.images), 1.0 - keep
        of_real = adversarial.hinge_real(critic.apply({"params": params}, real, where))
        of_fake = adversarial.hinge_fake(critic.apply({"params": params}, fake, where))
        return of_real + of_fake, {}, statistics

    return loss
