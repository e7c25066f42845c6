"""RTIS with a network: trained on one classifier, it draws the masks of all classes in one pass.

Dabkowski, Gal, "Real Time Image Saliency for Black Box Classifiers", NIPS 2017; and the adaptation
to pictures of several classes by Stalder et al., "What You See is What You Classify", NeurIPS 2022.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.domains import Count, Natural, NotNegative, Share
from xai_jax.core.method import Frozen, Method
from xai_jax.core.rng import example_keys, split_each
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Classes, Images, PerExample, PRNGKey, PRNGKeys
from xai_jax.losses import class_masks
from xai_jax.losses.class_masks import ClassMaps, Labels
from xai_jax.methods.mask_learner import check_labels, mask_learner
from xai_jax.methods.rtis import alternative, terms
from xai_jax.methods.rtis.alternative import Alternative, Scale
from xai_jax.methods.rtis.terms import Form, Loss
from xai_jax.nn.learner import adam
from xai_jax.nn.segmenter import Architecture, Segmenter


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are those that NN-Explainer's authors compare with, on VOC-2007.

    Attributes:
        network: draws the masks.
        loss: what they are judged by.
        alternative: what stands where a picture is removed.
        fake_share: share of the pictures that are asked for a class that they do not show; of the
            margins only, which judge one class a picture.
        learning_rate: of Adam.
        decay_steps: steps over which the rate falls to 0 along a half cosine; 0: it stays constant.
        weight_decay: added to the gradient, times the weights.
        micro_batches: a batch goes through the networks in so many parts; bounds memory.
    """

    network: Segmenter = dataclasses.field(default_factory=lambda: Segmenter(num_classes=20))
    loss: Loss = dataclasses.field(default_factory=Loss)
    alternative: Alternative = dataclasses.field(default_factory=Alternative)
    fake_share: Share = 0.0
    learning_rate: NotNegative = 1e-5
    decay_steps: Natural = 0
    weight_decay: NotNegative = 0.0
    micro_batches: Count = 1

    @classmethod
    def as_compared(cls) -> "Config":
        """With the noise that the comparison was run with: mean 0.11 and deviation 1, by a slip."""
        return cls(alternative=Alternative(noise_mean=0.11, noise=1.0))

    @classmethod
    def released_code(cls) -> "Config":
        """The loss, alternatives and optimiser of Dabkowski & Gal's code, on ImageNet."""
        return cls(
            network=Segmenter(num_classes=1000),
            loss=Loss.released_code(),
            alternative=Alternative.released_code(),
            fake_share=0.3,
            learning_rate=1e-3,
            weight_decay=1e-4,
        )

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a minute on one CPU core, on small pictures of four classes."""
        return cls(
            network=Segmenter(num_classes=4, architecture=Architecture.LIGHT),
            alternative=Alternative(blur=10.0, blur_radius=40, scale=Scale.SYMMETRIC),
            learning_rate=3e-3,
        )

    @property
    def num_classes(self) -> int:
        """Of the network, which draws one mask a class."""
        return self.network.num_classes

    def build(self) -> Method:
        """The method with these settings."""
        return rtis(self)


def rtis(cfg: Config) -> Method:
    """Learns to draw the masks of all classes; a Batch needs labels while it learns, only then."""
    _check(cfg)
    tx = adam(cfg.learning_rate, cfg.decay_steps)
    if cfg.weight_decay:
        tx = optax.chain(optax.add_decayed_weights(cfg.weight_decay), tx)
    judge = functools.partial(_judged, cfg)
    return mask_learner(cfg.network.build(), tx, judge, micro_batches=cfg.micro_batches)


def _check(cfg: Config) -> None:
    """Refuses settings that do not go together."""
    if cfg.fake_share > 0 and cfg.loss.form is not Form.MARGINS:
        raise ValueError(
            f"fake_share {cfg.fake_share} is of the margins; set it to 0 for the probabilities."
        )
    fewest = 1 if cfg.loss.form is Form.PROBABILITIES else 2  # a margin is over another class
    if cfg.network.num_classes < fewest:
        raise ValueError(f"network.num_classes must be at least {fewest} for {cfg.loss.form.name}.")


def _judged(
    cfg: Config,
    frozen: Frozen,
    batch: Batch,
    draw: Callable[[Images], ClassMaps],
    key: PRNGKey,
) -> tuple[PerExample, terms.Terms]:
    """The loss of each picture, and its terms before they are weighted.

    Raises:
        ValueError: the labels are missing, or of another number of classes than the masks.
    """
    check_labels(batch, cfg.network.num_classes)
    class_logits = draw(batch.images)
    removed_key, picture_key, class_key = jax.random.split(key, 3)
    classifier, ids = frozen.classifier, batch.image_id
    blurred = alternative.blurred(cfg.alternative, classifier, batch.images)
    removed = alternative.drawn(cfg.alternative, classifier, blurred, removed_key, ids)
    images = alternative.noisy(cfg.alternative, classifier, batch.images, picture_key, ids)
    if cfg.loss.form is Form.PROBABILITIES:
        keep, _ = class_masks.merged(class_logits, batch.labels)
        found = terms.by_probabilities(cfg.loss, classifier, keep, images, removed, batch.labels)
    else:
        keys = example_keys(class_key, ids)
        target, is_fake = asked(batch.labels, cfg.fake_share, keys)
        logits = jnp.take_along_axis(class_logits, target[:, None, None, None], axis=3)
        keep = jax.nn.sigmoid(logits)
        found = terms.by_margins(cfg.loss, classifier, keep, images, removed, target, is_fake)
    return terms.weighted(cfg.loss, found), found


def asked(labels: Labels, fake_share: float, keys: PRNGKeys) -> tuple[Classes, PerExample]:
    """Which class each picture is asked for, and 1 where it does not show it.

    A true class of the picture, each as likely as the other, or, of a share of the pictures, one of
    the others. A picture without a class is asked for one of the others always, one with all of
    them never.

    Args:
        labels: ``[b k]``, above 0 for the classes in the picture.
        fake_share: in [0, 1].
        keys: ``[b]``.
    """
    is_true = labels > 0
    chance_key, class_key = jnp.moveaxis(split_each(keys, 2), 1, 0)
    by_chance = jax.vmap(lambda key: jax.random.bernoulli(key, fake_share))(chance_key)
    is_fake = (by_chance & ~is_true.all(axis=1)) | ~is_true.any(axis=1)
    choice = jnp.where(is_true != is_fake[:, None], 0.0, -jnp.inf)
    target = jax.vmap(jax.random.categorical)(class_key, choice)
    return target, is_fake.astype(jnp.float32)
