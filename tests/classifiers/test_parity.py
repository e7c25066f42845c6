"""The ports answer what PyTorch answered when scripts/record_parity.py recorded it."""

import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.classifiers import random_weights
from xai_jax.classifiers import entries, pretrained
from xai_jax.core import classifier_training
from xai_jax.core.classifier import Classifier

GOLDEN = pathlib.Path(__file__).parent / "golden"
ENTRIES = {entry.name: entry for entry in entries.CLASSIFIERS}
LITE = [name for name in ENTRIES if ENTRIES[name].package]
# Parameters that torchvision's documentation publishes; GoogLeNet's with its two training heads.
PUBLISHED = {
    "vgg16": 138_357_544,
    "resnet50": 25_557_032,
    "resnet50_vggface2": 25_557_032 - 960 * 2_049,  # ResNet-50 with 40 outputs
    "densenet121": 7_978_856,
    "googlenet": 13_004_888,
    "alexnet": 61_100_840,
}


@functools.lru_cache(maxsize=1)  # VGG-16 has 553 MB of weights: one network at a time
def case(name: str):
    """The recorded answers, the converted weights and the pictures that PyTorch's network ate."""
    golden = np.load(GOLDEN / f"{random_weights.of(name)}.npz")
    if name in LITE:
        params = pretrained.load(name).classifier.params
    else:
        state_dict = random_weights.state_dict(json.loads(str(golden["shapes"])))
        params = jax.tree.map(jnp.asarray, ENTRIES[name].network.convert(state_dict))
    return golden, params, jnp.asarray(random_weights.pictures(int(golden["size"])))


def eaten(name: str, pictures):
    """PyTorch's GoogLeNet turns ImageNet's normalisation into its own; ours gets its own."""
    if name != "googlenet":
        return pictures
    imagenet, own = ENTRIES["resnet50"], ENTRIES["googlenet"]
    pixels = pictures * jnp.array(imagenet.std) + jnp.array(imagenet.mean)
    return (pixels - jnp.array(own.mean)) / jnp.array(own.std)


# VGG-19 is VGG-16 with three layers more: tests/pretrain/test_perceptual.py.
@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "vgg19"])
def test_logits_and_image_gradient_are_those_of_pytorch(name):
    golden, params, pictures = case(name)
    network = ENTRIES[name].network
    cotangent = random_weights.direction(golden["logits"].shape, "cotangent")

    @jax.jit
    def answers(params, pictures):
        def run(x):
            features = network.features(params, eaten(name, x))
            return network.head(params, features), features

        logits, pull, features = jax.vjp(run, pictures, has_aux=True)
        (gradient,) = pull(jnp.asarray(cotangent, logits.dtype))
        return logits, gradient, features

    with jax.enable_x64(True):  # in double precision, rounding puts no activation across a kink
        wide = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), (params, pictures))
        logits, gradient, features = jax.tree.map(np.asarray, answers(*wide))
    spread = np.ptp(golden["logits"])
    assert np.abs(logits - golden["logits"]).max() <= 1e-4 * spread

    # A projection on numbers in -1 .. 1 has a standard deviation of 0.58 times the gradient's norm.
    # An activation that PyTorch's single precision puts on the other side of a ReLU's kink moves it
    # by up to 2 %; the recorded answers have that in the one picture or the other, never in both.
    ways = random_weights.direction((4, *pictures.shape), "ways")
    projections = np.einsum("bhwc,nbhwc->nb", gradient, ways)
    errors = np.abs(projections - golden["projections"]).max(axis=0) / golden["gradient_norm"]
    assert errors.min() <= 1e-4 and errors.max() <= 5e-2

    assert features.ndim == 4 and features.shape[1:3] != pictures.shape[1:3]
    assert features.min() >= 0.0  # what Grad-CAM weighs comes out of a ReLU


# Of convolutions with a norm; DenseNet-121 has 120, and a last norm by itself.
NORMS = {
    "vgg16": 0,
    "resnet50_batch_norm": 53,
    "resnet50_vggface2_batch_norm": 53,
    "densenet121_batch_norm": 121,
}


def test_in_training_the_real_networks_answer_for_each_class_and_keep_their_statistics_form():
    for name, norms in NORMS.items():
        network = ENTRIES[name].network
        shapes = json.loads(str(np.load(GOLDEN / f"{random_weights.of(name)}.npz")["shapes"]))
        zeros = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
        made = Classifier(
            params=network.convert(zeros),
            mean=jnp.zeros(3),
            std=jnp.ones(3),
            apply_fn=network,
            features_fn=network.features,
            head_fn=network.head,
            training=network.training,
        )
        ask = functools.partial(classifier_training.logits, made)
        keys = jax.random.split(jax.random.key(0), 2)
        images, weight = jnp.zeros((2, 64, 64, 3)), jnp.ones(2)
        logits, statistics = jax.eval_shape(functools.partial(ask, weight=weight), images, keys)
        assert logits.shape == (2, 40 if "vggface2" in name else 1000)
        wanted = jax.tree.map(lambda x: x.shape, classifier_training.statistics(made))
        assert jax.tree.map(lambda x: x.shape, statistics) == wanted
        assert len(jax.tree.leaves(statistics)) == 2 * norms


@pytest.mark.parametrize("name", ["resnet50", "resnet50_vggface2", "densenet121"])
def test_batch_norm_as_it_is_answers_as_when_it_is_folded(name):
    _, folded, pictures = case(name)
    _, normed, _ = case(f"{name}_batch_norm")
    logits = [
        np.asarray(jax.jit(ENTRIES[called].network)(params, pictures))
        for called, params in ((name, folded), (f"{name}_batch_norm", normed))
    ]
    assert np.abs(logits[0] - logits[1]).max() <= 1e-4 * np.ptp(logits[0])


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_recorded_networks_have_the_published_number_of_parameters(name):
    shapes = json.loads(str(np.load(GOLDEN / f"{name}.npz")["shapes"]))
    trained = [
        int(np.prod(shape))
        for key, shape in shapes.items()
        if "running_" not in key and "num_batches" not in key
    ]
    assert sum(trained) == PUBLISHED[name]


def test_the_halves_of_a_loaded_classifier_are_its_logits():
    loaded = pretrained.load("efficientnet_lite0").classifier
    assert isinstance(loaded, Classifier)
    images = jax.random.uniform(jax.random.key(0), (2, 64, 64, 3))
    logits = jax.jit(Classifier.logits)(loaded, images)
    features = jax.jit(Classifier.features)(loaded, images)
    assert features.shape == (2, 2, 2, 1280)
    np.testing.assert_allclose(loaded.logits_of_features(features), logits, atol=1e-4)
    assert loaded.num_classes((64, 64, 3)) == 1000
