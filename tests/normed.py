"""Classifiers small enough to be worked by hand, whose training differs from their use."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from xai_jax.classifiers import layers
from xai_jax.core.classifier import Classifier
from xai_jax.core.classifier_training import Training
from xai_jax.core.targets import Head
from xai_jax.nn.layers import BatchNorm, Conv, InTraining

WIDTH, EPSILON, MEAN, STD = 4, 1e-5, 0.25, 0.5


class Trunk(linen.Module):
    """Each pixel by itself: its colours mixed, batch norm, the positive part."""

    @linen.compact
    def __call__(self, normalised, training=None):
        x = Conv(WIDTH, name="mix")(normalised)
        x = BatchNorm(name="norm")(x, training)
        return jax.nn.relu(x)


def _variables(params):
    return {"params": params["trunk"], "batch_stats": params["statistics"]}


def features(params, normalised):
    return Trunk().apply(_variables(params), normalised)


def training_features(params, normalised, *, weight, axis_name):
    x, changed = Trunk().apply(
        _variables(params),
        normalised,
        InTraining(weight=weight, axis_name=axis_name),
        mutable=["batch_stats"],
    )
    return x, changed["batch_stats"]


def logits(params, normalised):
    return layers.mean_head(params, features(params, normalised))


def classifier(num_classes: int = 3, channels: int = 3) -> Classifier:
    """With batch norm, whose scales and statistics differ from channel to channel."""
    draw = np.random.default_rng(0)
    array = lambda *shape: jnp.asarray(draw.normal(size=shape), jnp.float32)  # noqa: E731
    params = {
        "trunk": {
            "mix": {"kernel": array(1, 1, channels, WIDTH)},
            "norm": {"scale": 1.0 + 0.2 * array(WIDTH), "bias": 0.3 * array(WIDTH)},
        },
        "statistics": {"norm": {"mean": 0.2 * array(WIDTH), "var": jnp.exp(0.3 * array(WIDTH))}},
        "classes": {"kernel": array(WIDTH, num_classes), "bias": array(num_classes)},
    }
    return Classifier(
        params=params,
        mean=jnp.full(channels, MEAN),
        std=jnp.full(channels, STD),
        apply_fn=logits,
        head=Head.SIGMOID,
        features_fn=features,
        head_fn=layers.mean_head,
        training=Training(features_fn=training_features),
    )


@dataclasses.dataclass(slots=True, kw_only=True)
class Normed:
    """Settings of `classifier`."""

    num_classes: int = 3
    channels: int = 3

    def build(self) -> Classifier:
        return classifier(self.num_classes, self.channels)


class InNumpy:
    """`classifier` in NumPy, in double precision.

    Fields:
        mean, var: the running statistics; `passed` moves them as PyTorch does.
    """

    def __init__(self, made: Classifier) -> None:
        params = jax.tree.map(lambda x: np.asarray(x, np.float64), made.params)
        self._mix, self._norm = params["trunk"]["mix"]["kernel"][0, 0], params["trunk"]["norm"]
        self._classes = params["classes"]
        running = params["statistics"]["norm"]
        self.mean, self.var = running["mean"], running["var"]

    def passed(self, images, weight) -> np.ndarray:
        """Logits ``[b k]`` of a training pass on ``[b h w c]`` unit pixels."""
        mixed = self._mixed(images)
        real = mixed[np.asarray(weight) == 1].reshape(-1, WIDTH)
        mean, var = real.mean(0), real.var(0)
        self.mean = 0.9 * self.mean + 0.1 * mean
        self.var = 0.9 * self.var + 0.1 * real.var(0, ddof=1)
        return self._answer(mixed, mean, var)

    def used(self, images) -> np.ndarray:
        """Logits by the running statistics."""
        return self._answer(self._mixed(images), self.mean, self.var)

    def _mixed(self, images) -> np.ndarray:
        return (np.asarray(images, np.float64) - MEAN) / STD @ self._mix

    def _answer(self, mixed, mean, var) -> np.ndarray:
        scaled = (mixed - mean) / np.sqrt(var + EPSILON) * self._norm["scale"] + self._norm["bias"]
        pooled = np.maximum(scaled, 0).mean((1, 2))
        return pooled @ self._classes["kernel"] + self._classes["bias"]


def _as_it_is(params, normalised):
    del params
    return normalised


_hidden = functools.partial(layers.hidden_head, grid=1)


def dropping(numbers: int) -> Classifier:
    """Two hidden layers that change nothing, dropout of a half behind each.

    Logit k of a picture of positive numbers is the mean of its channel k, or in a training step,
    where both layers drop, either 0 or four times that.
    """
    same = {"kernel": jnp.eye(numbers), "bias": jnp.zeros(numbers)}
    return Classifier(
        params={"hidden": [same, same], "classes": same},
        mean=jnp.zeros(1),
        std=jnp.ones(1),
        apply_fn=_hidden,
        head=Head.SIGMOID,
        features_fn=_as_it_is,
        head_fn=_hidden,
        training=Training(dropout=0.5),
    )
