"""The classifier value: preprocessing, the two halves, and what it must return."""

import dataclasses

import jax
import jax.numpy as jnp
import normed
import numpy as np
import pytest

from xai_jax.core import classifier_training
from xai_jax.core.classifier import Classifier
from xai_jax.core.classifier_training import Training
from xai_jax.core.infill import Infill, compose
from xai_jax.core.targets import Head


def _mean_logits(params, normalised):
    return normalised.mean(axis=(1, 2)) * params


def _no_batch(params, normalised):
    del params
    return normalised.mean()


def _whole_numbers(params, normalised):
    del params
    return normalised.mean(axis=(1, 2)).astype(jnp.int32)


def _features(params, normalised):
    del params
    return normalised * 2


def _head(params, features):
    del params
    return features.mean(axis=(1, 2))


def test_pixels_are_normalised_before_they_are_classified():
    classifier = Classifier.from_callable(
        _mean_logits, jnp.float32(10.0), mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0)
    )
    logits = classifier.logits(jnp.full((1, 2, 2, 3), 1.0))
    np.testing.assert_allclose(logits, [[10.0, 7.5, 5.0]])


def test_log_odds_follow_the_head():
    classifier = Classifier.from_callable(_mean_logits, jnp.float32(1.0), head=Head.SIGMOID)
    found = classifier.log_odds(jnp.full((1, 2, 2, 3), 0.5), jnp.array([1]))
    np.testing.assert_allclose(found, [0.5])


def test_the_number_of_classes_is_known_without_running():
    assert Classifier.from_callable(_mean_logits, jnp.float32(1.0)).num_classes((8, 8, 5)) == 5


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"mean": (123.7, 116.3, 103.5)}, "mean is 123.7, but .* divide mean and std by 255"),
        ({"std": (0.5, 0.0, 0.5)}, "std must be above 0, not 0"),
        ({"std": float("nan")}, "std must be above 0, not nan"),
    ],
)
def test_a_mean_of_other_pixels_and_no_deviation_are_refused(said, sentence):
    with pytest.raises(ValueError, match=sentence):
        Classifier.from_callable(_mean_logits, jnp.float32(1.0), **said)


def _channels_first(params, x):
    kernel = jnp.ones((4, 3, 3, 3))
    return jax.lax.conv(x, kernel, (1, 1), "SAME").mean(axis=(2, 3))


@pytest.mark.parametrize(
    "function", [_channels_first, lambda params, x: np.asarray(x).mean((1, 2)), lambda x: x]
)
def test_a_function_that_fails_is_told_how_it_is_called(function):
    classifier = Classifier.from_callable(function, jnp.ones(3))
    with pytest.raises(ValueError, match="fails on images .2, 8, 8, 3.: .* transpose") as caught:
        classifier.num_classes((8, 8, 3))
    assert "\n" not in str(caught.value) and "fn(params, images [b h w c])" in str(caught.value)


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_of_other_channels_than_the_mean_are_refused(channels):
    colours = Classifier.from_callable(_mean_logits, jnp.float32(1.0), mean=(0.5, 0.4, 0.3))
    with pytest.raises(ValueError, match=rf"have {channels} channels, and .* mean is of 3; pass"):
        colours.num_classes((8, 8, channels))


@pytest.mark.parametrize("fn", [_no_batch, _whole_numbers])
def test_a_classifier_of_the_wrong_shape_or_type_is_refused_in_a_sentence(fn):
    with pytest.raises(ValueError, match="must return float logits"):
        Classifier.from_callable(fn).num_classes((8, 8, 3))


def test_the_two_halves_are_offered_only_where_they_are_known():
    images = jnp.full((1, 2, 2, 3), 0.5)
    whole = Classifier.from_callable(_mean_logits, jnp.float32(1.0))
    with pytest.raises(ValueError, match="features_fn"):
        whole.features(images)
    halves = whole.replace(features_fn=_features, head_fn=_head)
    np.testing.assert_allclose(halves.logits_of_features(halves.features(images)), [[1.0] * 3])


def _paint(params, images, keep, keys):
    assert keys.shape == (images.shape[0],)
    return images * keep + params * (1 - keep)


def test_anybodys_inpainting_model_is_an_infill():
    infill = Infill.from_callable(_paint, jnp.float32(0.75))
    images, keep = jnp.full((2, 2, 2, 3), 0.25), jnp.zeros((2, 2, 2, 1)).at[:, 0].set(1.0)
    filled = infill(infill.prepare(images), keep, jax.random.split(jax.random.key(0)))
    np.testing.assert_allclose(filled[:, 0], 0.25)
    np.testing.assert_allclose(filled[:, 1], 0.75)
    np.testing.assert_allclose(compose(images, keep, filled), filled)


def test_a_program_that_calls_a_classifier_often_traces_it_once_a_shape():
    traced = []

    def fn(params, normalised):
        traced.append(normalised.shape)
        return _mean_logits(params, normalised)

    classifier = Classifier.from_callable(fn, jnp.float32(2.0))

    def program(classifier, images):
        score = lambda x: classifier.log_odds(x, jnp.zeros(len(x), jnp.int32)).sum()  # noqa: E731
        return score(images), jax.grad(score)(images), score(images[:1])

    first, gradient, _ = jax.jit(program)(classifier, jnp.full((2, 4, 4, 3), 0.5))
    assert traced == [(2, 4, 4, 3), (1, 4, 4, 3)]
    np.testing.assert_allclose(first, 2 * -np.log(2.0), rtol=1e-6)  # of three equal classes
    assert gradient.shape == (2, 4, 4, 3)


def test_a_training_pass_normalises_by_the_batch_and_moves_the_statistics():
    classifier = normed.classifier()
    images = jnp.asarray(np.random.default_rng(2).random((5, 3, 4, 3), np.float32))
    weight, keys = jnp.array([1.0, 1.0, 0.0, 1.0, 1.0]), jax.random.split(jax.random.key(0), 5)
    by_hand = normed.InNumpy(classifier)
    np.testing.assert_allclose(classifier.logits(images), by_hand.used(images), rtol=1e-4)
    logits, statistics = classifier_training.logits(classifier, images, keys, weight=weight)
    np.testing.assert_allclose(logits, by_hand.passed(images, weight), rtol=1e-4)
    np.testing.assert_allclose(statistics["norm"]["mean"], by_hand.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(statistics["norm"]["var"], by_hand.var, rtol=1e-4)
    moved = classifier_training.with_statistics(classifier, statistics)
    np.testing.assert_allclose(moved.logits(images), by_hand.used(images), rtol=1e-4)


def test_both_hidden_layers_drop_a_half_in_training_so_that_the_mean_stays():
    classifier, num = normed.dropping(500), 16
    images = jnp.asarray(0.5 + np.random.default_rng(0).random((num, 1, 1, 500), np.float32))
    keys = jax.random.split(jax.random.key(1), num)
    logits, statistics = classifier_training.logits(classifier, images, keys, weight=jnp.ones(num))
    share = np.asarray(logits) / np.asarray(images)[:, 0, 0]
    assert statistics == {}
    assert set(np.unique(share.round(4))) == {0.0, 4.0}
    # 8,000 draws of 4 with probability 1/4: the mean's standard deviation is 0.02.
    assert share.mean() == pytest.approx(1.0, abs=0.08)
    np.testing.assert_allclose(classifier.logits(images), images[:, 0, 0], rtol=1e-5)


def test_a_training_that_is_not_known_is_refused_with_what_can_be_done():
    classifier = Classifier.from_callable(_mean_logits, jnp.float32(1.0))
    keys = jax.random.split(jax.random.key(0), 1)
    with pytest.raises(ValueError, match="batch norm is folded .* set classifier_mode to EVAL"):
        classifier_training.logits(classifier, jnp.zeros((1, 2, 2, 3)), keys, weight=jnp.ones(1))


def test_a_training_that_changes_nothing_answers_as_in_use():
    halves = Classifier.from_callable(_mean_logits, jnp.float32(1.0)).replace(
        features_fn=_features, head_fn=_head, training=Training()
    )
    keys = jax.random.split(jax.random.key(0), 1)
    found, statistics = classifier_training.logits(
        halves, jnp.ones((1, 2, 2, 3)), keys, weight=jnp.ones(1)
    )
    np.testing.assert_allclose(found, [[2.0] * 3])
    assert statistics == {}


HEADS = {"softmax": 3.6867, "sigmoid": 3.0}  # nats, of logits 3, -2, -1 and target 0, by hand


@pytest.mark.parametrize(("word", "expected"), HEADS.items())
def test_a_head_may_be_named_and_counts_as_what_it_names(word, expected):
    def logits(params, normalised):
        return jnp.broadcast_to(params, (len(normalised), 3))

    params = jnp.array([3.0, -2.0, -1.0])
    made = Classifier.from_callable(logits, params, head=word)
    others = (
        Classifier(params=params, mean=0.0, std=1.0, apply_fn=logits, head=word.upper()),
        dataclasses.replace(Classifier.from_callable(logits, params), head=word),
        jax.jit(lambda classifier: classifier)(made),
        jax.tree.unflatten(jax.tree.structure(made), jax.tree.leaves(made)),
    )
    for one in (made, *others):
        assert one.head is Head(word)
        found = one.log_odds(jnp.zeros((1, 2, 2, 3)), jnp.array([0]))
        np.testing.assert_allclose(found, [expected], atol=1e-4)


def test_a_head_that_does_not_exist_is_refused():
    sentence = "Classifier: head must be one of .* not 'sigmod'; did you mean 'sigmoid'"
    made = Classifier.from_callable(_mean_logits, jnp.ones(3))
    for call in (
        lambda: Classifier.from_callable(_mean_logits, jnp.ones(3), head="sigmod"),
        lambda: dataclasses.replace(made, head="sigmod"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
