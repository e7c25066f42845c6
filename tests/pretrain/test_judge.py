"""The judge of counterfactuals: its terms by NumPy, and what a training leaves as a classifier."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.classifiers.judge import KIND, Judge
from xai_jax.core.method import Frozen
from xai_jax.core.preprocess import Preprocess
from xai_jax.infills.constant import Constant
from xai_jax.metrics.distributions import mean_features
from xai_jax.nn.judging_vae import JudgingVae
from xai_jax.pretrain import judge
from xai_jax.runtime.weights_file import WeightsFile

SIZE, CFG = (
    8,
    judge.Config(network=JudgingVae(widths=(2, 3), code=4), decided_class=0, learning_rate=3e-3),
)


@pytest.fixture(scope="module")
def frozen():
    classifier = planted.quadrant()
    return Frozen(classifier=classifier, infill=Constant().build(classifier))


def test_a_decision_that_is_none_is_refused_before_anything_is_trained(frozen):
    batch = planted.quadrant_batch(4, SIZE, jax.random.key(0))
    for chosen, words in ((None, "has 4 classes, and its decision"), (7, "is 7 and the classifie")):
        trainable = dataclasses.replace(CFG, decided_class=chosen).build()
        with pytest.raises(ValueError, match=words):
            jax.eval_shape(trainable.init, jax.random.key(0), frozen, batch)
    alike = planted.take(batch, slice(0, 1))
    with pytest.raises(ValueError, match="decides 2 pictures alike: all of them show the class"):
        CFG.build().look(frozen, iter([alike, alike]), True)
    CFG.build().look(frozen, iter([alike, alike, planted.take(batch, slice(1, 2))]), True)


@pytest.fixture(scope="module")
def learned(frozen):
    trainable, batch = CFG.build(), planted.quadrant_batch(16, SIZE, jax.random.key(0))
    keys = jax.random.split(jax.random.key(2), 300)

    @jax.jit
    def run(frozen, batch):
        state = trainable.init(jax.random.key(1), frozen, batch)
        return jax.lax.scan(lambda s, k: trainable.step(s, frozen, batch, k), state, keys)

    state, metrics = run(frozen, batch)
    return trainable, state, metrics, batch


def test_the_terms_are_pixels_prior_and_decision_by_numpy(learned, frozen):
    trainable, state, _, batch = learned
    found = trainable.measure(trainable.weights(state), state, frozen, batch, jax.random.key(0))
    network = CFG.network.build((SIZE, SIZE))
    code, pixels, logit = network.apply({"params": state.params}, batch.images)
    mean, log_variance = (np.asarray(x, np.float64) for x in code)
    grey = np.asarray(batch.images).mean(-1, keepdims=True)
    prior = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(1)
    is_one = np.arange(16) % 4 == 0
    p = 1 / (1 + np.exp(-np.asarray(logit, np.float64)))
    wanted = {
        "pixels": ((np.asarray(pixels) - grey) ** 2).mean((1, 2, 3)),
        "prior": prior,
        "decision": -np.where(is_one, np.log(p), np.log(1 - p)),
    }
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)
    total = wanted["pixels"] + 5 * prior + 0.1 * wanted["decision"]
    np.testing.assert_allclose(found["loss"], total, rtol=1e-4)


def test_it_learns(learned):
    loss = learned[2]["loss"]
    assert loss[-20:].mean() < 0.8 * loss[:5].mean()


def test_what_a_training_has_left_is_an_oracle_with_its_code_as_features(learned, tmp_path):
    trainable, state, _, batch = learned
    write = WeightsFile(kind=KIND, config=CFG, preprocess=Preprocess(height=SIZE, width=SIZE))
    path = write(trainable.weights(state), tmp_path)
    made, again = (Judge(weights=str(path)).build() for _ in range(2))
    assert made.apply_fn is again.apply_fn  # nothing is compiled twice
    network = CFG.network.build((SIZE, SIZE))
    code, _, logit = network.apply({"params": state.params}, batch.images)
    np.testing.assert_allclose(made.logits(batch.images)[:, 0], logit, atol=1e-5)
    np.testing.assert_allclose(mean_features(made, batch.images), code.mean, atol=1e-6)
    other = WeightsFile(kind="other", config=CFG, preprocess=Preprocess(height=8, width=8))
    with pytest.raises(ValueError, match="holds a trained other, not judge"):
        Judge(weights=str(other({"a": jnp.zeros(1)}, tmp_path))).build()


def test_pictures_of_odd_sides_are_refused():
    with pytest.raises(ValueError, match="The pictures are 9 x 8; set data.resize to multiples"):
        CFG.network.check((1, 9, 8, 3))
