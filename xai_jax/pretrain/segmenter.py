"""A segmenter learns from label maps which region each pixel belongs to.

What STEEX asks of pictures without a label map (specs: steex, sec. 1.2), where DeepLabv3 on
ResNet-101 learned it by cross-entropy.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.domains import Count, Natural, NotNegative
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Batch, PerExample, PRNGKey
from xai_jax.nn import learner
from xai_jax.nn.deepfill import scaled
from xai_jax.nn.layers import InTraining
from xai_jax.nn.learner import Learner, Weights
from xai_jax.nn.segmenter import RegionSegmenter
from xai_jax.pretrain import label_maps


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published ones, with batches of 8 and mirror images.

    The network eats pixels in [-1, 1].

    Attributes:
        network: what is trained.
        void: the label map's number of what people did not decide: it is neither learned from nor
            scored. Every other number is a region.
        learning_rate: of Adam.
        trunk_rate: of Adam, for a trunk that begins with ImageNet's weights; ``None``:
            `learning_rate`.
        decay_steps: steps over which the rates fall to 0 along a half cosine; 0: they stay.
        micro_batches: a batch goes through the network in so many parts; bounds memory.
    """

    network: RegionSegmenter
    void: Natural = 255
    learning_rate: NotNegative = 1e-4
    trunk_rate: NotNegative | None = None
    decay_steps: Natural = 0
    micro_batches: Count = 1

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.learner.Learner`."""
        return segmenter(self)


def segmenter(cfg: Config) -> Trainable:
    """Learns by the mean cross-entropy over the pixels that count, of each picture by itself."""
    network = cfg.network.build()
    tx = learner.adam(cfg.learning_rate, cfg.decay_steps, trunk_rate=cfg.trunk_rate)

    def init(key: PRNGKey, frozen: Frozen | None, batch: Batch) -> Learner:
        del frozen
        _labels(cfg, batch)
        return learner.init(network, tx, key, batch.images)

    def loss(params, statistics, batch: Batch, keys, axis_name):
        training = InTraining(weight=batch.weight, keys=keys, axis_name=axis_name)
        answer = learner.apply_training(network, params, statistics, scaled(batch.images), training)
        logits, statistics = answer
        labels, counted = _labels(cfg, batch)
        return _cross_entropy(logits, labels, counted), {}, statistics

    def step(state, frozen, batch, key, axis_name=None):
        del frozen
        return learner.minimise(
            state,
            tx,
            lambda params, statistics, batch, key: loss(
                params, statistics, batch, example_keys(key, batch.image_id), axis_name
            ),
            batch,
            key,
            axis_name=axis_name,
            micro_batches=cfg.micro_batches,
        )

    return Trainable(
        init=init,
        step=step,
        measure=_measure(cfg),
        weights=learner.weights,
        admit=label_maps.admitted(len(cfg.network.regions), cfg.void),
        summary=summary,
    )


def _measure(cfg: Config) -> Callable[..., dict[str, PerExample]]:
    network = cfg.network.build()

    def measure(weights: Weights, state: Learner, frozen: Any, batch: Batch, key: PRNGKey):
        del state, frozen, key
        logits = learner.apply(network, weights, scaled(batch.images))
        labels, counted = _labels(cfg, batch)
        return {
            "loss": _cross_entropy(logits, labels, counted),
            **overlaps(logits.argmax(axis=-1), labels, counted, len(cfg.network.regions)),
        }

    return measure


def overlaps(found: AnyArray, labels: AnyArray, counted: AnyArray, num: int) -> dict[str, AnyArray]:
    """What `summary` makes a mean intersection over union of, ``{name: [b]}``.

    Args:
        found: ``[b h w]``, the predicted regions.
        labels: ``[b h w]``, the true ones.
        counted: ``[b h w]``, 1 for the pixels that count.
        num: of regions.
    """
    pixels = lambda chosen: (chosen * counted).sum(axis=(1, 2))  # noqa: E731
    sums = {"counted": pixels(1.0), "right": pixels(found == labels)}
    for number in range(num):
        one, other = found == number, labels == number
        sums[f"both_{number}"] = pixels(one & other)
        sums[f"either_{number}"] = pixels(one | other)
    return sums


def summary(means: dict[str, float]) -> dict[str, float]:
    """Loss, share of the pixels that are right, and mean IoU: over all pictures together.

    Regions that are neither there nor found anywhere are left out of the mean.
    """
    names = [name.removeprefix("both_") for name in means if name.startswith("both_")]
    shares = [
        means[f"both_{name}"] / means[f"either_{name}"] for name in names if means[f"either_{name}"]
    ]
    counted = means["counted"]
    return {
        "loss": means["loss"],
        "accuracy": means["right"] / counted if counted else 0.0,
        "mean_iou": float(np.mean(shares)) if shares else 0.0,
    }


def _cross_entropy(logits: AnyArray, labels: AnyArray, counted: AnyArray) -> PerExample:
    """In nats; 0 for a picture of which nothing counts."""
    said = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1)[..., 0]
    return -(said * counted).sum(axis=(1, 2)) / jnp.maximum(counted.sum(axis=(1, 2)), 1.0)


def _labels(cfg: Config, batch: Batch) -> tuple[AnyArray, AnyArray]:
    """Numbers of regions, 0 where nothing counts, and 1 where a pixel does.

    Raises:
        ValueError: there are no label maps.
    """
    if batch.regions is None:
        raise ValueError(
            "A segmenter learns from label maps; set regions=True in the data's Pipeline."
        )
    counted = batch.regions != cfg.void
    return jnp.where(counted, batch.regions, 0), counted.astype(jnp.float32)
