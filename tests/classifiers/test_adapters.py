"""Anybody's network becomes a Classifier that answers as the network does and compiles once."""

import pathlib
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import xai_jax
from xai_jax.classifiers import adapters

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "bring-your-own-classifier.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
BLOCKS = [block for block in EXAMPLES if "onnx" not in block]  # see tests/test_docs_examples.py
PIXELS = {"mean": (0.4, 0.5, 0.6), "std": 0.2}


@pytest.fixture
def images():
    return jax.random.uniform(jax.random.key(3), (4, 8, 8, 3))


def normalised(images):
    return (images - jnp.array(PIXELS["mean"])) / PIXELS["std"]


def counted_logits():
    """A compiled function of (classifier, images), and a list that grows at each compilation."""
    traces = []

    def logits(classifier, images):
        traces.append(images.shape)
        return classifier.logits(images)

    return jax.jit(logits), traces


def assert_usable(make, images, expected):
    """The logits are `expected`, alone or in company; gradients flow; a second compiles nothing."""
    logits, traces = counted_logits()
    log_odds = lambda c, x: c.log_odds(x, jnp.zeros(len(x), jnp.int32)).sum()  # noqa: E731
    for _ in range(2):
        np.testing.assert_allclose(logits(make(), images), expected, atol=1e-5)
    assert len(traces) == 1
    np.testing.assert_allclose(logits(make(), images[1:2]), expected[1:2], atol=1e-5)
    gradient = jax.jit(jax.grad(log_odds, argnums=1))(make(), images)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


class LinenNet(linen.Module):
    widths: tuple[int, ...] = (8, 5)

    @linen.compact
    def __call__(self, x, train: bool):
        x = linen.Conv(self.widths[0], (3, 3))(x)
        x = linen.BatchNorm(use_running_average=not train)(x)
        x = linen.Dropout(0.5, deterministic=not train)(linen.relu(x))
        return linen.Dense(self.widths[1])(x.mean(axis=(1, 2)))


def test_a_linen_module_answers_as_it_does_by_itself(images):
    variables = LinenNet().init(jax.random.key(0), images, train=False)
    statistics = jax.tree.map(lambda x: x + 0.5, variables["batch_stats"])  # as if it were trained
    variables = {**variables, "batch_stats": statistics}
    expected = LinenNet().apply(variables, normalised(images), train=False)
    make = lambda: adapters.from_linen(LinenNet(), variables, **PIXELS, train=False)  # noqa: E731
    assert_usable(make, images, expected)


def test_a_linen_module_with_an_unhashable_keyword_is_refused_in_one_sentence(images):
    variables = LinenNet().init(jax.random.key(0), images, train=False)
    with pytest.raises(ValueError, match="cannot be hashed"):
        adapters.from_linen(LinenNet(), variables, train=[False])


class NnxNet(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(3, 8, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.out = nnx.Linear(8, 5, rngs=rngs)

    def __call__(self, x):
        return self.out(self.drop(nnx.relu(self.norm(self.conv(x)))).mean(axis=(1, 2)))


def test_an_nnx_module_answers_as_it_does_in_evaluation_and_is_not_changed(images):
    module = NnxNet(nnx.Rngs(0))
    module(images * 3)  # one training step's worth of statistics
    before = jax.tree.map(jnp.copy, nnx.state(module, nnx.BatchStat))
    classifier = adapters.from_nnx(module, **PIXELS)
    logits = classifier.logits(images)

    assert not module.drop.deterministic and not module.norm.use_running_average
    jax.tree.map(np.testing.assert_array_equal, before, nnx.state(module, nnx.BatchStat))
    module.eval()
    expected = module(normalised(images))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert_usable(lambda: adapters.from_nnx(module, **PIXELS), images, expected)


class EquinoxNet(eqx.Module):
    conv: eqx.nn.Conv2d
    drop: eqx.nn.Dropout
    out: eqx.nn.Linear
    activation: object

    def __init__(self, key):
        keys = jax.random.split(key)
        self.conv = eqx.nn.Conv2d(3, 8, 3, key=keys[0])
        self.drop = eqx.nn.Dropout(0.5)
        self.out = eqx.nn.Linear(8, 5, key=keys[1])
        self.activation = jax.nn.relu

    def __call__(self, x, key=None):
        return self.out(self.drop(self.activation(self.conv(x)), key=key).mean(axis=(1, 2)))


def test_an_equinox_module_gets_each_picture_channels_first_and_without_dropout(images):
    module = EquinoxNet(jax.random.key(0))
    inference = eqx.nn.inference_mode(module)
    expected = jnp.stack([inference(picture.transpose(2, 0, 1)) for picture in normalised(images)])
    assert_usable(lambda: adapters.from_equinox(module, **PIXELS), images, expected)
    assert not module.drop.inference


class EquinoxNormNet(eqx.Module):
    norm: eqx.nn.BatchNorm
    out: eqx.nn.Linear

    def __init__(self, key):
        self.norm = eqx.nn.BatchNorm(3, axis_name="batch", mode="batch")
        self.out = eqx.nn.Linear(3, 5, key=key)

    def __call__(self, x, state):
        x, state = self.norm(x, state)
        return self.out(x.mean(axis=(1, 2))), state


def test_an_equinox_module_with_batch_norm_brings_its_state(images):
    module, state = eqx.nn.make_with_state(EquinoxNormNet)(jax.random.key(0))
    train = jax.vmap(module, axis_name="batch", in_axes=(0, None), out_axes=(0, None))
    for _ in range(3):  # statistics of other pixels than those explained
        _, state = train(images.transpose(0, 3, 1, 2) * 2 + 1, state)
    inference = eqx.nn.inference_mode(module)
    expected = jnp.stack(
        [inference(picture.transpose(2, 0, 1), state)[0] for picture in normalised(images)]
    )
    assert_usable(lambda: adapters.from_equinox(module, state, **PIXELS), images, expected)


def test_new_weights_of_one_network_do_not_compile_anew(images):
    logits, traces = counted_logits()
    answers = [
        logits(make(seed), images)
        for make in (
            lambda seed: adapters.from_nnx(NnxNet(nnx.Rngs(seed))),
            lambda seed: adapters.from_equinox(EquinoxNet(jax.random.key(seed))),
        )
        for seed in (0, 1)
    ]
    assert len(traces) == 2  # one a network
    assert np.abs(answers[0] - answers[1]).max() > 0.01
    assert np.abs(answers[2] - answers[3]).max() > 0.01


def test_the_page_has_an_example_for_each_kind_of_network():
    assert len(BLOCKS) == 6
    for word in ("from_callable", "from_linen", "from_nnx", "from_equinox", "pretrained.load"):
        assert any(word in block for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"example{i}" for i in range(len(BLOCKS))])
def test_the_examples_of_the_page_run_and_explain_what_they_say(block):
    namespace: dict = {"__name__": "example"}
    exec(compile(block, str(PAGE), "exec"), namespace)
    classifier = namespace["classifier"]
    images = jax.random.uniform(jax.random.key(0), (2, 32, 32, 3))
    logits = jax.jit(xai_jax.Classifier.logits)(classifier, images)
    assert logits.shape == (2, classifier.num_classes((32, 32, 3)))
    assert np.isfinite(logits).all()
    if "explanation" in namespace:
        assert namespace["explanation"].saliency.shape == (2, 32, 32, 1)
        assert isinstance(namespace["explanation"].saliency, np.ndarray)
