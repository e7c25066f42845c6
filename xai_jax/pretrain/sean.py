"""SEAN learns to draw pictures of their own label maps and style codes.

Zhu, Abdal, Qin, Wonka, CVPR 2020 (specs: steex, sec. 1.6): a hinge loss of two critics, the
matching of their features and a perceptual loss; pixels are not compared as published. The
perceptual network is VGG-19 where its weights are at hand, and else Lite1: ones that explain
nothing here.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from xai_jax.core.domains import Count, Natural, NotNegative, ShareBelowOne
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Batch, PerExample, PRNGKey, PyTree
from xai_jax.losses import adversarial
from xai_jax.losses.absolute import absolute
from xai_jax.nn import learner
from xai_jax.nn.deepfill import scaled, unscaled
from xai_jax.nn.ema import ema
from xai_jax.nn.layers import InTraining
from xai_jax.nn.learner import Learner, Weights
from xai_jax.nn.sean import Sean
from xai_jax.nn.sean_critic import Critics
from xai_jax.pretrain import label_maps, perceptual


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones, but for the perceptual network.

    Attributes:
        network: encoder and generator.
        critic_width: channels of the first layer of each critic.
        generator_rate, critic_rate: of Adam (betas 0 and 0.9) for the two sides.
        steady_steps: steps at these rates.
        decay_steps: steps after them, over which the rates fall to 0 along a line; 0: they stay.
            Both count the steps of the run, also for critics that join in late.
        pixel_weight: of the mean absolute difference of the pixels, in [-1, 1].
        feature_weight: of `perceptual.difference`; above 0, `explained.classifier` must be vgg19
            (as published) or efficientnet_lite1.
        matching_weight: of the difference of the critics' layers.
        adversarial_weight: of what the critics say.
        critic_from: the step from which on there are critics.
        half_steps: so many first steps see pictures and label maps at half the size, each at about
            a quarter of the time.
        average: decay of the moving average of the weights, which is what is exported; 0: the
            weights themselves.
    """

    network: Sean
    critic_width: Count = 64
    generator_rate: NotNegative = 1e-4
    critic_rate: NotNegative = 4e-4
    steady_steps: Natural = 0
    decay_steps: Natural = 0
    pixel_weight: NotNegative = 0.0
    feature_weight: NotNegative = 10.0
    matching_weight: NotNegative = 10.0
    adversarial_weight: NotNegative = 1.0
    critic_from: Natural = 0
    half_steps: Natural = 0
    average: ShareBelowOne = 0.0

    def optimiser(self, rate: float, num_steps: Any) -> optax.GradientTransformation:
        """Of one side, for one update after `num_steps` of the run; its state is of no rate."""
        now: Any = rate
        if self.decay_steps:
            falling = optax.linear_schedule(rate, 0.0, self.decay_steps, self.steady_steps)
            now = falling(num_steps)
        return optax.adam(now, b1=0.0, b2=0.9)

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.ema.Averaged` of a `State`."""
        made = Trainable(
            init=_init(self),
            step=_step(self),
            measure=_measure(self),
            weights=lambda state: learner.weights(state.generator),
            admit=label_maps.admitted(len(self.network.regions)),
        )
        return ema(made, self.average)


@struct.dataclass
class State:
    """Generator and critics while they learn.

    Fields:
        generator: the `Learner` that is exported.
        critics: another.
        num_steps: int32, made so far.
    """

    generator: Learner
    critics: Learner
    num_steps: Any


def _one_hot(cfg: Config, batch: Batch) -> AnyArray:
    if batch.regions is None:
        raise ValueError("SEAN learns from label maps; set regions=True in the data's Pipeline.")
    return jax.nn.one_hot(batch.regions, len(cfg.network.regions))


def _init(cfg: Config) -> Callable[..., State]:
    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> State:
        height, width = batch.images.shape[1:3]
        cfg.network.check(height, width, times=2 if cfg.half_steps else 1)
        perceptual.check(cfg.feature_weight, frozen)
        keys = jax.random.split(key, 3)
        one, one_hot = scaled(batch.images)[:1], _one_hot(cfg, batch)[:1]
        made = cfg.network.build().init(keys[0], one, one_hot, keys[2:])
        judging = Critics(cfg.critic_width).init(keys[1], one, one_hot)["params"]
        generator = Learner(
            params=made["params"],
            statistics=made["batch_stats"],
            opt_state=cfg.optimiser(cfg.generator_rate, 0).init(made["params"]),
        )
        critics = Learner(
            params=judging,
            statistics={},
            opt_state=cfg.optimiser(cfg.critic_rate, 0).init(judging),
        )
        return State(generator=generator, critics=critics, num_steps=jnp.int32(0))

    return init


def _step(cfg: Config) -> Callable[..., Any]:
    """At half the size first, where that is asked for."""
    whole = _whole_step(cfg)
    if not cfg.half_steps:
        return whole

    def step(state: State, frozen: Frozen | None, batch: Batch, key: PRNGKey, axis_name=None):
        def at(size: Batch) -> Callable[[], Any]:
            return lambda: whole(state, frozen, size, key, axis_name)

        return jax.lax.cond(state.num_steps < cfg.half_steps, at(_halved(batch)), at(batch))

    return step


def _halved(batch: Batch) -> Batch:
    """Mean of each square of 2 x 2 pixels; of a label map the first pixel, as in the network."""
    rows, columns = (side // 2 for side in batch.images.shape[1:3])
    squares = batch.images.reshape(-1, rows, 2, columns, 2, batch.images.shape[3])
    regions = None if batch.regions is None else batch.regions[:, ::2, ::2]
    return dataclasses.replace(batch, images=squares.mean(axis=(2, 4)), regions=regions)


def _whole_step(cfg: Config) -> Callable[..., Any]:
    """The generator, then the critics on the same pictures."""
    of_generator, of_critics = _of_generator(cfg), _of_critics(cfg)

    def step(state: State, frozen: Frozen | None, batch: Batch, key: PRNGKey, axis_name=None):
        keys = example_keys(key, batch.image_id)
        has_critics = state.num_steps >= cfg.critic_from
        rates = cfg.generator_rate, cfg.critic_rate
        own, theirs = (cfg.optimiser(rate, state.num_steps) for rate in rates)
        training = InTraining(weight=batch.weight, axis_name=axis_name)
        given = keys, frozen, state.critics.params, has_critics, training
        made, metrics = learner.minimise(
            state.generator, own, of_generator, batch, *given, axis_name=axis_name
        )
        # The pictures come with the statistics, so that they need not be made again.
        statistics, fake = made.statistics
        made = dataclasses.replace(made, statistics=statistics)
        fake = jax.lax.stop_gradient(fake)

        def criticise():
            return learner.minimise(
                state.critics, theirs, of_critics, batch, fake, axis_name=axis_name
            )

        untouched = state.critics, {"loss": jnp.float32(0.0)}
        after, said = jax.lax.cond(has_critics, criticise, lambda: untouched)
        state = State(generator=made, critics=after, num_steps=state.num_steps + 1)
        return state, {**metrics, "critics": said["loss"]}

    return step


def _of_generator(cfg: Config) -> Callable[..., Any]:
    network: Any = cfg.network.build()
    critics: Any = Critics(cfg.critic_width)

    def loss(params, statistics, batch, keys, frozen, judging, has_critics, training):
        real, one_hot = scaled(batch.images), _one_hot(cfg, batch)
        variables = {"params": params, "batch_stats": statistics}
        fake, changed = network.apply(
            variables, real, one_hot, keys, training, mutable=["batch_stats"]
        )
        terms = {"pixels": absolute(fake - real).mean((1, 2, 3))}
        value = cfg.pixel_weight * terms["pixels"]
        if cfg.feature_weight:
            shown = unscaled(fake)
            terms["features"] = perceptual.difference(frozen.classifier, shown, batch.images)
            value += cfg.feature_weight * terms["features"]
        judge = functools.partial(_judged, critics, judging, one_hot)
        said = adversarial.from_then_on(has_critics, judge, fake, real)
        judged = cfg.matching_weight * said["matching"] - cfg.adversarial_weight * said["fooled"]
        return value + judged, {**terms, **said}, (changed["batch_stats"], fake)

    return loss


def _judged(critics: Any, params: PyTree, one_hot: AnyArray, fake: AnyArray, real: AnyArray):
    """What the critics see in drawn pictures beside real ones, and what they say, per picture."""
    of_fake = critics.apply({"params": params}, fake, one_hot)
    of_real = jax.lax.stop_gradient(critics.apply({"params": params}, real, one_hot))
    said = jnp.stack([own[-1].mean((1, 2, 3)) for own in of_fake])
    return {"matching": matching(of_fake, of_real), "fooled": said.mean(axis=0)}


def matching(fake: list[list[AnyArray]], real: list[list[AnyArray]]) -> PerExample:
    """Mean absolute difference of each layer but the last, summed; the mean over the critics."""
    off = [
        absolute(one - other).mean((1, 2, 3))
        for layers in zip(fake, real, strict=True)
        for one, other in zip(*(own[:-1] for own in layers), strict=True)
    ]
    return jnp.stack(off).sum(axis=0) / len(fake)


def _of_critics(cfg: Config) -> Callable[..., Any]:
    critics: Any = Critics(cfg.critic_width)

    def loss(params, statistics, batch, fake):
        one_hot = _one_hot(cfg, batch)
        of_real = critics.apply({"params": params}, scaled(batch.images), one_hot)
        of_fake = critics.apply({"params": params}, fake, one_hot)
        lost = [adversarial.hinge_real(own[-1]) for own in of_real]
        lost += [adversarial.hinge_fake(own[-1]) for own in of_fake]
        return jnp.stack(lost).sum(axis=0) / len(of_real), {}, statistics

    return loss


def _measure(cfg: Config) -> Callable[..., dict[str, PerExample]]:
    network = cfg.network.build()

    def measure(weights: Weights, state: State, frozen: Any, batch: Batch, key: PRNGKey):
        del state, frozen
        variables = {"params": weights.params, "batch_stats": weights.statistics}
        keys = example_keys(key, batch.image_id)
        fake = network.apply(variables, scaled(batch.images), _one_hot(cfg, batch), keys)
        off = unscaled(fake) - batch.images
        return {"loss": jnp.abs(off).mean((1, 2, 3)), "mse": jnp.square(off).mean((1, 2, 3))}

    return measure
