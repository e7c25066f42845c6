"""A small denoiser of photographs that can fill holes: what `infills.denoiser` explains with."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.domains import Natural, NotNegative, Positive, ShareBelowOne
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.push_pull import push_pull
from xai_jax.core.rng import example_keys, split_each
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Images, Maps, PerExample, PRNGKey
from xai_jax.nn import denoiser as network
from xai_jax.nn import learner
from xai_jax.nn.denoiser import Network
from xai_jax.nn.ema import ema
from xai_jax.nn.learner import Learner
from xai_jax.pretrain.holes import holes

STEEPEST = 1.0  # length of the gradient: nothing in the network holds one bad batch within bounds


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings.

    Each picture is shown in one of three ways: noise of one level all over it; noise of one level
    in its holes; holes filled by push-pull, of the level `nn.denoiser.START`. What is known has no
    noise, and the network is told so.

    Attributes:
        network: what is trained.
        learning_rate: of Adam.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
        lowest, highest: noise, in unit pixels; its logarithm is uniform between them.
        average: decay of the moving average of the weights, which is what is exported.
    """

    network: Network = dataclasses.field(default_factory=Network)
    learning_rate: NotNegative = 1e-3
    decay_steps: Natural = 0
    lowest: Positive = 0.02
    highest: Positive = 0.4
    average: ShareBelowOne = 0.999

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.ema.Averaged` of a `nn.learner.Learner`.

        Raises:
            ValueError: the lowest noise is above the highest.
        """
        if self.lowest > self.highest:
            raise ValueError(
                f"lowest is {self.lowest} and highest {self.highest}; swap the two levels."
            )
        return ema(denoiser(self), self.average)


def denoiser(cfg: Config) -> Trainable:
    """Learns to see pictures through noise and around holes; it reads no classifier."""
    adam = learner.adam(cfg.learning_rate, cfg.decay_steps)
    tx = optax.chain(optax.clip_by_global_norm(STEEPEST), adam)
    made = cfg.network.build()

    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> Learner:
        del frozen
        images = batch.images[:1]
        params = made.init(key, images, images[..., :1])["params"]
        return Learner(params=params, statistics={}, opt_state=tx.init(params))

    def loss(params, statistics, batch: Batch, key: PRNGKey):
        shown = _shown(cfg, batch, key)
        clean = made.apply({"params": params}, shown.noisy, shown.level)
        return _error(clean, batch.images, shown.level), {}, statistics

    def step(state, frozen, batch, key, axis_name=None):
        del frozen
        return learner.minimise(state, tx, loss, batch, key, axis_name=axis_name)

    def measure(weights, state, frozen, batch, key):
        del state, frozen
        shown = _shown(cfg, batch, key)
        clean = functools.partial(made.apply, {"params": weights.params})
        loss = _error(clean(shown.noisy, shown.level), batch.images, shown.level)
        return {"loss": loss, "psnr": _psnr_at_a_tenth(clean, batch, key)}

    return Trainable(init=init, step=step, measure=measure, weights=learner.weights)


class _Shown(NamedTuple):
    """What the network is given; see `Denoiser.__call__`."""

    noisy: Images
    level: Maps


def _shown(cfg: Config, batch: Batch, key: PRNGKey) -> _Shown:
    """One of the three ways for each picture."""
    images = batch.images
    keys = split_each(example_keys(key, batch.image_id), 4)
    draw = jax.vmap(lambda key: jax.random.randint(key, (1, 1, 1), 0, 3))
    way = draw(keys[:, 0])
    level = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 1)))(keys[:, 1])
    level = cfg.lowest * (cfg.highest / cfg.lowest) ** level
    noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys[:, 2])
    keep = holes(keys[:, 3], *images.shape[1:3]) * (way > 0)
    levels = (1.0 - keep) * jnp.where(way == 2, network.START, level)
    started = push_pull(images, keep, network.MIDDLE)
    return _Shown(jnp.where(way == 2, started, images + levels * noise), levels)


def _error(clean: Images, images: Images, level: Maps) -> PerExample:
    """Mean square of the error over its level, over the pixels that were to be guessed."""
    unknown = (level > 0).astype(images.dtype)
    scale = jnp.where(level > 0, level, 1.0)
    squares = jnp.square((clean - images) / scale) * unknown
    return squares.sum((1, 2, 3)) / jnp.maximum(3.0 * unknown.sum((1, 2, 3)), 1.0)


def _psnr_at_a_tenth(clean, batch: Batch, key: PRNGKey) -> PerExample:
    """In dB, of pictures with noise of 0.1, which itself has 20 dB."""
    images = batch.images
    keys = example_keys(key, batch.image_id)
    noise = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(keys)
    found = clean(images + 0.1 * noise, jnp.full_like(images[..., :1], 0.1))
    squares = jnp.square(jnp.clip(found, 0.0, 1.0) - images).mean((1, 2, 3))
    return -10.0 * jnp.log10(squares)
