"""Networks of every kind of layer that compile in a second."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.classifier import Classifier
from xai_jax.core.classifier_training import Training
from xai_jax.core.targets import Head
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.layers import BatchNorm, Conv, Depthwise, Dropout, InTraining
from xai_jax.nn.segmenter import Segmenter


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    x = layers.conv_relu(params["first"], normalised, stride=2, padding=1)
    return layers.conv_relu(params["second"], x, stride=2, padding=1)


TWO_CONVOLUTIONS = Ported(
    name="two_convolutions",
    features=_features,
    head=layers.mean_head,
    convert=dict,
    training=Training(dropout=0.5),
)


def classifier(num_classes: int, head: Head = Head.SOFTMAX) -> Classifier:
    """Two convolutions and a dense layer, with weights drawn at random."""
    shapes = {"first": (3, 3, 3, 16), "second": (3, 3, 16, 32), "classes": (32, num_classes)}
    keys = jax.random.split(jax.random.key(0), len(shapes))
    params = {
        name: {"kernel": 0.1 * jax.random.normal(key, shape), "bias": jnp.zeros(shape[-1])}
        for key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }
    return TWO_CONVOLUTIONS.classifier(params, mean=(0.5,) * 3, std=(0.5,) * 3, head=head)


class Masks(linen.Module):
    """Draws one mask logit a class and pixel, as the networks of `nn.segmenter` do."""

    num_classes: int

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        x = Conv(16, kernel=3, stride=2)(x)
        x = jax.nn.relu(BatchNorm()(x, training))
        x = jax.nn.relu(BatchNorm()(Depthwise(3)(x), training))
        x = Dropout(0.1)(x, training)
        x = Conv(self.num_classes, use_bias=True)(x)
        return x.repeat(2, axis=1).repeat(2, axis=2)


def draw_the_masks(patch: pytest.MonkeyPatch) -> None:
    """Has `Masks` stand for the networks of `nn.segmenter`."""
    patch.setattr(Segmenter, "build", lambda self: Masks(self.num_classes))
