"""What both ways to train DeepFill have in common: settings, state, the filled picture, pixels."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import optax
from flax import struct

from xai_jax.core.domains import Natural, NotNegative, ShareBelowOne
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Images, Maps, PerExample, PRNGKey, PyTree
from xai_jax.losses.absolute import absolute
from xai_jax.nn import deepfill, learner
from xai_jax.nn.deepfill import Filled, Network
from xai_jax.nn.ema import ema
from xai_jax.nn.learner import Learner
from xai_jax.pretrain import ca_losses, holes

Step = Callable[..., tuple[Any, dict[str, Any]]]


@dataclasses.dataclass(slots=True, kw_only=True)
class Common(Settings):
    """Settings of both recipes; the defaults are the published ones.

    Attributes:
        network: the generator.
        learning_rate: of Adam (betas 0.5 and 0.9), for all networks.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
        pixel_weight: of the mean absolute difference of the pixels, in [-1, 1], in the hole and
            outside of it.
        coarse_weight: of that of the coarse guess, times `pixel_weight`.
        adversarial_weight: of what the critics say.
        average: decay of the moving average of the weights, which is what is exported; 0 as
            published: the weights themselves.
    """

    network: Network = dataclasses.field(default_factory=Network)
    learning_rate: NotNegative = 1e-4
    decay_steps: Natural = 0
    pixel_weight: NotNegative = 1.2
    coarse_weight: NotNegative = 1.2
    adversarial_weight: NotNegative = 1e-3
    average: ShareBelowOne = 0.0

    def optimiser(self, num_steps: Any) -> optax.GradientTransformation:
        """Of every network, for updates after `num_steps` of the run; its state is of no rate."""
        now: Any = self.learning_rate
        if self.decay_steps:
            now = optax.cosine_decay_schedule(self.learning_rate, self.decay_steps)(num_steps)
        return optax.adam(now, b1=0.5, b2=0.9)


@struct.dataclass
class State:
    """Generator and critics while they learn.

    Fields:
        generator: the `Learner` that is exported.
        critics: by name.
        num_steps: int32, made so far.
    """

    generator: Learner
    critics: Mapping[str, Learner]
    num_steps: Any


def trainable(
    cfg: Common, critics: Callable[[PRNGKey, Images], Mapping[str, PyTree]], step: Step
) -> Trainable:
    """What a training loop needs; the state is a `nn.ema.Averaged` of a `State`.

    Args:
        cfg: the settings.
        critics: ``(key, one picture) -> {name: parameters}``, fresh.
        step: of the recipe, of a `State`.
    """
    tx, generator = cfg.optimiser(0), cfg.network.build()

    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> State:
        del frozen
        one = _checked(batch.images)[:1]
        params = generator.init(key, one, one[..., :1])["params"]
        found = {name: fresh(own, tx) for name, own in critics(key, one).items()}
        return State(fresh(params, tx), found, jnp.int32(0))

    def measure(weights, state, frozen, batch, key):
        del state, frozen
        keep = holes.holes(example_keys(key, batch.image_id), *batch.images.shape[1:3])
        answer = generator.apply({"params": weights.params}, batch.images, keep)
        off = deepfill.unscaled(answer.fine) - batch.images
        squares = ca_losses.mean_where(jnp.square(off), 1.0 - keep)
        psnr = -10.0 * jnp.log10(jnp.maximum(squares, 1e-10))
        return {"loss": ca_losses.mean_where(jnp.abs(off), 1.0 - keep), "psnr": psnr}

    made = Trainable(
        init=init,
        step=step,
        measure=measure,
        weights=lambda state: learner.weights(state.generator),
    )
    return ema(made, cfg.average)


def fresh(params: PyTree, tx: optax.GradientTransformation) -> Learner:
    """A network before its first step."""
    return Learner(params=params, statistics={}, opt_state=tx.init(params))


def _checked(images: Images) -> Images:
    height, width = images.shape[1:3]
    if height % deepfill.STRIDE or width % deepfill.STRIDE:
        raise ValueError(
            f"The pictures are {height} x {width}; set data.resize to multiples of "
            f"{deepfill.STRIDE}."
        )
    return images


def filled(network: Network, params: PyTree, images: Images, keep: Maps) -> tuple[Filled, Images]:
    """Both guesses, and the picture with the finer one in its hole; in [-1, 1]."""
    found = network.build().apply({"params": params}, images, keep)
    return found, compose(deepfill.scaled(images), keep, found.fine)


def pixels(
    cfg: Common, images: Images, keep: Maps, found: Filled, counted: Maps | float
) -> PerExample:
    """Mean absolute differences in the hole, times `counted`, and outside of it."""
    real = deepfill.scaled(images)
    off = absolute(found.fine - real)
    if cfg.network.coarse:
        off += cfg.coarse_weight * absolute(found.coarse - real)
    in_hole = ca_losses.mean_where(counted * off, 1.0 - keep)
    return cfg.pixel_weight * (in_hole + ca_losses.mean_where(off, keep))
