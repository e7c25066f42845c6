"""Sanity checks: what looks at the classifier changes with it, and what does not stays."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.stats

import xai_jax
from xai_jax.core.classifier import Classifier
from xai_jax.methods import controls, gradients
from xai_jax.metrics import sanity

SIZE = 8


def _two_layers(params, images):
    hidden = jnp.tanh(images.reshape(len(images), -1) @ params["bottom"]["kernel"])
    return hidden @ params["top"]["kernel"]


@pytest.fixture(scope="module")
def classifier():
    keys = jax.random.split(jax.random.key(0))
    bottom = jax.random.normal(keys[0], (SIZE * SIZE * 3, 16)) / 8
    top = jax.random.normal(keys[1], (16, 4))
    return Classifier.from_callable(
        _two_layers, {"bottom": {"kernel": bottom}, "top": {"kernel": top}}
    )


def measured(classifier, method, metric):
    batch = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    images, target = np.asarray(batch.images), np.asarray(batch.target)
    found = xai_jax.explain(classifier, images, target, method=method, metrics=(metric,))
    return {column.name: found.numbers[column.name] for column in metric.columns}


def test_correlation_is_that_of_scipy_with_ties():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 6, (2, 3, 5, 4, 1)).astype(np.float32)
    found = sanity.correlation(jnp.asarray(one), jnp.asarray(other))
    wanted = [
        scipy.stats.spearmanr(a.ravel(), b.ravel())[0] for a, b in zip(one, other, strict=True)
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert np.isnan(sanity.correlation(jnp.asarray(one), jnp.zeros_like(one))).all()


@pytest.mark.parametrize("cascading", [True, False])
def test_a_gradient_changes_with_each_layer_and_edges_do_not(classifier, cascading):
    metric = sanity.randomisation(("top", "bottom"), cascading=cascading)
    changed = measured(classifier, gradients.Gradient(), metric)
    stays = measured(classifier, controls.Edges(), metric)
    kind = "cascading" if cascading else "alone"
    assert list(changed) == [f"randomised_{kind}_top", f"randomised_{kind}_bottom"]
    for name in changed:
        assert (np.abs(changed[name]) < 0.9).all()
        np.testing.assert_allclose(stays[name], 1.0, rtol=1e-6)


def test_a_shuffled_layer_keeps_its_numbers_and_leaves_the_others(classifier):
    both, key = ("top", "bottom"), jax.random.key(3)
    made = sanity.shuffled(classifier, both, jnp.array([True, False]), key).params
    before = classifier.params
    np.testing.assert_array_equal(made["bottom"]["kernel"], before["bottom"]["kernel"])
    top = made["top"]["kernel"]
    assert not np.array_equal(top, before["top"]["kernel"])
    np.testing.assert_array_equal(np.sort(top.ravel()), np.sort(before["top"]["kernel"].ravel()))
    with pytest.raises(ValueError, match="under 'middle'; its first names are bottom, top"):
        sanity.shuffled(classifier, ("middle",), jnp.array([True]), key)


def test_block_1_is_not_block_10():
    params = {"blocks": {"1": jnp.arange(9.0), "10": jnp.arange(9.0)}}
    classifier = Classifier.from_callable(_two_layers, params)
    made = sanity.shuffled(classifier, ("blocks/1",), jnp.array([True]), jax.random.key(0)).params
    assert not np.array_equal(made["blocks"]["1"], np.arange(9.0))
    np.testing.assert_array_equal(made["blocks"]["10"], np.arange(9.0))


def test_the_class_and_another_classifier_change_a_gradient_and_no_control(classifier):
    other = classifier.replace(params=jax.tree.map(lambda x: -x[::-1], classifier.params))
    for metric in (sanity.random_logit(), sanity.other_classifier(other, "shuffled_labels")):
        (changed,) = measured(classifier, gradients.Gradient(), metric).values()
        (stays,) = measured(classifier, controls.Random(), metric).values()
        assert (np.abs(changed) < 0.9).all()
        np.testing.assert_allclose(stays, 1.0, rtol=1e-6)
    same = sanity.other_classifier(classifier, "itself")
    (found,) = measured(classifier, gradients.Gradient(), same).values()
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)
