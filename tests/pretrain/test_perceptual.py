"""The loss of features, against VGG-19 layer by layer as torchvision's indices name them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.classifiers import random_weights
from xai_jax.classifiers import vgg
from xai_jax.core.classifier import Classifier
from xai_jax.pretrain import perceptual

CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)  # of `features`
POOLS = (4, 9, 18, 27, 36)
FIRST = (0, 5, 10, 19, 28)  # those whose ReLUs are relu1_1 to relu5_1


def test_vgg19_has_the_published_number_of_parameters_and_takes_all_of_torchvisions_names():
    state = {
        name: np.broadcast_to(np.float32(0), shape)
        for name, shape in random_weights.vgg19_shapes().items()
    }
    assert sum(array.size for array in state.values()) == 143_667_240
    params = vgg.VGG19.convert(state)
    assert vgg.is_vgg19(params) and sum(x.size for x in jax.tree.leaves(params)) == 143_667_240
    with pytest.raises(ValueError, match="vgg16"):
        vgg.VGG16.convert(state)


@pytest.fixture(scope="module")
def small() -> Classifier:
    """VGG-19's layers, two channels wide."""
    key, stages, inputs = jax.random.key(0), [], 3
    for depth in (2, 2, 4, 4, 4):
        stage = []
        for _ in range(depth):
            key, own = jax.random.split(key)
            kernel = 0.5 * jax.random.normal(own, (3, 3, inputs, 2))
            stage.append({"kernel": kernel, "bias": jnp.array([0.1, -0.1])})
            inputs = 2
        stages.append(stage)
    return Classifier.from_callable(lambda params, x: x, {"stages": stages})


def by_hand(params, image: np.ndarray) -> list[np.ndarray]:
    """What stands behind the ReLUs of `FIRST`, of one picture in [-1, 1]."""
    layers, x, found = [layer for stage in params["stages"] for layer in stage], image, []
    for index, layer in zip(CONVOLUTIONS, layers, strict=True):
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        kernel = np.asarray(layer["kernel"], np.float64)
        x = sum(
            padded[i : i + x.shape[0], j : j + x.shape[1]] @ kernel[i, j]
            for i in range(3)
            for j in range(3)
        )
        x = np.maximum(x + np.asarray(layer["bias"]), 0.0)
        if index in FIRST:
            found.append(x)
        if index + 2 in POOLS[:-1]:
            x = x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).max(axis=(1, 3))
    return found


def test_vgg19s_loss_is_the_published_sum(small):
    one, other = jax.random.uniform(jax.random.key(1), (2, 3, 16, 32, 3))
    found = jax.jit(perceptual.difference)(small, one, other)
    for row in range(3):
        pair = [
            by_hand(small.params, 2.0 * np.asarray(x[row], np.float64) - 1) for x in (one, other)
        ]
        wanted = sum(
            weight * np.abs(here - there).mean()
            for weight, here, there in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), *pair, strict=True)
        )
        np.testing.assert_allclose(found[row], wanted, rtol=1e-4)
    np.testing.assert_array_equal(perceptual.difference(small, one, one), 0.0)
