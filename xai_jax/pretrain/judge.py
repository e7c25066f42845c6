"""Who judges counterfactuals by its code: a small VAE that also learns the classifier's decisions.

Specs: generative, sec. 4.4.
"""

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp

from xai_jax.core import decision
from xai_jax.core.domains import Natural, NotNegative
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, PerExample, PRNGKey, PyTree
from xai_jax.losses.adversarial import says
from xai_jax.nn import learner
from xai_jax.nn.judging_vae import JudgingVae
from xai_jax.nn.learner import Learner
from xai_jax.nn.vae import divergence


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones on MNIST, with batches of 32.

    Attributes:
        network: what is trained.
        decided_class: the class whose presence is the decision; ``None``: the classifier has one.
        learning_rate: of Adam.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
        pixels_weight: of the mean squared difference of the pictures.
        prior_weight: of the divergence of a picture's code from the prior, in nats.
        decision_weight: of the cross-entropy of the code's decision and the classifier's.
    """

    network: JudgingVae = dataclasses.field(default_factory=JudgingVae)
    decided_class: Natural | None = None
    learning_rate: NotNegative = 1e-4
    decay_steps: Natural = 0
    pixels_weight: NotNegative = 1.0
    prior_weight: NotNegative = 5.0
    decision_weight: NotNegative = 0.1

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.learner.Learner`."""
        return judge(self)


def judge(cfg: Config) -> Trainable:
    """Learns codes that keep what the classifier decides by, and little else."""
    tx = learner.adam(cfg.learning_rate, cfg.decay_steps)

    def init(key: PRNGKey, frozen: Frozen, batch: Batch) -> Learner:
        cfg.network.check(batch.images.shape)
        decision.class_of(frozen.classifier, cfg.decided_class, batch.images.shape)
        return learner.init(_network(cfg, batch), tx, key, batch.images)

    def loss(params, statistics, batch: Batch, frozen: Frozen, noise):
        terms = _terms(cfg, params, frozen, batch, noise)
        value = cfg.pixels_weight * terms["pixels"] + cfg.prior_weight * terms["prior"]
        return value + cfg.decision_weight * terms["decision"], terms, statistics

    def step(state, frozen, batch, key, axis_name=None):
        keys = example_keys(key, batch.image_id)
        noise = jax.vmap(lambda key: jax.random.normal(key, (cfg.network.code,)))(keys)
        return learner.minimise(state, tx, loss, batch, frozen, noise, axis_name=axis_name)

    def measure(weights, state, frozen, batch, key):
        del state, key
        value, terms, _ = loss(weights.params, weights.statistics, batch, frozen, None)
        return {"loss": value, **terms}

    def look(frozen: Frozen, batches: Iterator[Batch], to_train: bool) -> None:
        del to_train  # what is rare is learned, too
        decision.look(cfg.decided_class, frozen, batches, to_train=False)

    return Trainable(init=init, step=step, measure=measure, weights=learner.weights, look=look)


def _network(cfg: Config, batch: Batch):
    return cfg.network.build(batch.images.shape[1:3])


def _terms(
    cfg: Config, params: PyTree, frozen: Frozen, batch: Batch, noise
) -> dict[str, PerExample]:
    """What each picture costs, and whether the code decides as the classifier does."""
    code, pixels, logit = _network(cfg, batch).apply({"params": params}, batch.images, noise)
    asked = decision.class_of(frozen.classifier, cfg.decided_class, batch.images.shape)
    decided = decision.log_odds(frozen.classifier, asked, batch.images) >= 0
    off = pixels - batch.images.mean(axis=-1, keepdims=True)
    return {
        "pixels": jnp.square(off).mean(axis=(1, 2, 3)),
        "prior": divergence(code),
        "decision": says(logit, decided.astype(jnp.float32)),
        "agrees": ((logit >= 0) == decided).astype(jnp.float32),
    }
