"""FIDO's variational autoencoder, which learns what may stand in holes (specs: FIDO, sec. 3.1)."""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.domains import Natural, NotNegative, Positive
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import example_keys, split_each
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Batch, Images, Maps, PerExample, PRNGKey
from xai_jax.nn import learner, vae
from xai_jax.nn.layers import InTraining
from xai_jax.nn.learner import Learner
from xai_jax.nn.vae import Code, Network, Pictures
from xai_jax.pretrain.holes import holes


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are those of FIDO's published weights.

    Attributes:
        network: what is trained.
        learning_rate: of Adam.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
        largest_gradient: every number of the gradient is clipped to it, either way.
        prior_weight: of the divergence of a picture's code from the prior. The published one is the
            batch size over the number of pictures, which is next to nothing.
    """

    network: Network = dataclasses.field(default_factory=Network)
    learning_rate: NotNegative = 2e-4
    decay_steps: Natural = 0
    largest_gradient: Positive = 5.0
    prior_weight: NotNegative = 1e-4

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.learner.Learner`."""
        return vae_inpainter(self)


def vae_inpainter(cfg: Config) -> Trainable:
    """Learns the holes of photographs, or whole digits; it reads no classifier."""
    adam = learner.adam(cfg.learning_rate, cfg.decay_steps)
    tx = optax.chain(optax.clip(cfg.largest_gradient), adam)
    network = cfg.network.build()

    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> Learner:
        del frozen
        images = _pictures(cfg, batch)
        variables = network.init(key, images[:1], images[:1, ..., :1])
        params, statistics = variables["params"], variables.get("batch_stats", {})
        return Learner(params=params, statistics=statistics, opt_state=tx.init(params))

    def loss(params, statistics, batch: Batch, key: PRNGKey, axis_name):
        keep, noise = _drawn(cfg, batch, key)
        training = InTraining(weight=batch.weight, axis_name=axis_name)
        (code, pixels), changed = network.apply(
            {"params": params, "batch_stats": statistics},
            _pictures(cfg, batch),
            keep,
            noise,
            training,
            mutable=["batch_stats"],
        )
        terms = _terms(cfg, _pictures(cfg, batch), keep, code, pixels)
        value = terms["pixels"] + cfg.prior_weight * terms["prior"]
        return value, terms, changed.get("batch_stats", {})

    def step(state, frozen, batch, key, axis_name=None):
        del frozen
        return learner.minimise(state, tx, loss, batch, key, axis_name, axis_name=axis_name)

    def measure(weights, state, frozen, batch, key):
        del state, frozen
        keep, noise = _drawn(cfg, batch, key)
        variables = {"params": weights.params, "batch_stats": weights.statistics}
        images = _pictures(cfg, batch)
        code, pixels = network.apply(variables, images, keep, noise)
        terms = _terms(cfg, images, keep, code, pixels)
        psnr = _psnr(vae.unit_pixels(pixels.mean, cfg.network.pictures), images, keep)
        loss = terms["pixels"] + cfg.prior_weight * terms["prior"]
        return {"loss": loss, "psnr": psnr, **terms}

    return Trainable(init=init, step=step, measure=measure, weights=learner.weights)


def _pictures(cfg: Config, batch: Batch) -> Images:
    """Those of the batch; of digits, which come in grey as colour, one channel.

    Raises:
        ValueError: a side is no multiple of what the network halves it by.
    """
    _, height, width, _ = batch.images.shape
    if height % vae.STRIDE or width % vae.STRIDE:
        raise ValueError(
            f"The pictures are {height} x {width}; set data.resize to multiples of {vae.STRIDE}."
        )
    return batch.images[..., : cfg.network.channels]


def _drawn(cfg: Config, batch: Batch, key: PRNGKey) -> tuple[Maps, AnyArray]:
    """The holes of each picture, and the noise of its code."""
    _, height, width, _ = batch.images.shape
    keys = split_each(example_keys(key, batch.image_id), 2)
    shape = height // vae.STRIDE, width // vae.STRIDE, cfg.network.code_channels
    noise = jax.vmap(lambda key: jax.random.normal(key, shape))(keys[:, 1])
    return holes(keys[:, 0], height, width), noise


def _terms(
    cfg: Config, images: Images, keep: Maps, code: Code, pixels: Code
) -> dict[str, PerExample]:
    """Nats a picture: the pixels' own (of photographs in the holes only), and the prior's."""
    if cfg.network.pictures is Pictures.DIGITS:
        said = optax.sigmoid_binary_cross_entropy(pixels.mean, images).sum((1, 2, 3))
    else:
        departure = jnp.square(vae.scaled(images) - pixels.mean)
        each = pixels.log_variance + departure * jnp.exp(-pixels.log_variance)
        said = 0.5 * ((1.0 - keep) * each).sum((1, 2, 3))
    return {"pixels": said, "prior": vae.divergence(code)}


def _psnr(filled: Images, images: Images, keep: Maps) -> PerExample:
    """In dB, over the removed pixels."""
    removed = 1.0 - keep
    squares = (jnp.square(filled - images) * removed).sum((1, 2, 3))
    count = jnp.maximum(images.shape[-1] * removed.sum((1, 2, 3)), 1.0)
    return -10.0 * jnp.log10(jnp.maximum(squares / count, 1e-10))
