"""An autoencoder of the pictures that are explained: the latent space of latent shift and paths."""

import dataclasses
from typing import Any

import jax.numpy as jnp

from xai_jax.core.domains import Natural, NotNegative
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Batch, Images, PRNGKey
from xai_jax.losses.adversarial import reconstruction
from xai_jax.nn import autoencoder as nets
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings.

    Attributes:
        network: what is trained.
        learning_rate: of Adam.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
    """

    network: nets.Autoencoder = dataclasses.field(default_factory=nets.Autoencoder)
    learning_rate: NotNegative = 1e-3
    decay_steps: Natural = 0

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.learner.Learner`."""
        return autoencoder(self)


def autoencoder(cfg: Config) -> Trainable:
    """Learns to draw pictures again, squares and absolute differences alike; no classifier."""
    tx = learner.adam(cfg.learning_rate, cfg.decay_steps)

    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> Learner:
        del frozen
        cfg.network.check(batch.images.shape)
        return learner.init(_network(cfg, batch.images), tx, key, batch.images)

    def loss(params, statistics, batch: Batch):
        drawn = _network(cfg, batch.images).apply({"params": params}, batch.images)
        wanted = _seen(cfg, batch.images)
        terms = {"squared": jnp.square(drawn - wanted).mean(axis=(1, 2, 3))}
        return reconstruction(wanted, drawn), terms, statistics

    def step(state, frozen, batch, key, axis_name=None):
        del frozen, key
        return learner.minimise(state, tx, loss, batch, axis_name=axis_name)

    def measure(weights, state, frozen, batch, key):
        del state, frozen, key
        value, terms, _ = loss(weights.params, weights.statistics, batch)
        return {"loss": value, **terms}

    return Trainable(init=init, step=step, measure=measure, weights=learner.weights)


def _network(cfg: Config, images: Images) -> Any:
    return cfg.network.build(images.shape[1:3])


def _seen(cfg: Config, images: Images) -> AnyArray:
    """Pictures as the network draws them: in grey where it has one channel."""
    return images.mean(axis=-1, keepdims=True) if cfg.network.channels == 1 else images
