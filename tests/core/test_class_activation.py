"""Maps of evidence against the classifier asked about one cell at a time."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_networks

from xai_jax.core.class_activation import evidence_map
from xai_jax.core.image import resize
from xai_jax.core.targets import Head, class_log_odds

CLASSES, SIZE = 3, 16


@pytest.fixture
def images():
    return jax.random.uniform(jax.random.key(0), (2, SIZE, SIZE, 3))


def test_a_cell_says_what_the_classifier_would_of_a_picture_that_is_this_cell_all_over(images):
    classifier = small_networks.classifier(CLASSES, head=Head.SIGMOID)
    features = classifier.features(images)
    rows, columns = features.shape[1:3]
    cells = np.zeros((2, rows, columns, CLASSES), np.float32)
    for y in range(rows):
        for x in range(columns):
            alike = jnp.broadcast_to(features[:, y : y + 1, x : x + 1], features.shape)
            cells[:, y, x] = classifier.logits_of_features(alike)
    wanted = resize(jnp.asarray(cells), SIZE, SIZE)
    np.testing.assert_allclose(evidence_map(classifier, images), wanted, rtol=1e-4, atol=1e-5)


def test_of_whatever_head_the_mean_over_the_cells_is_the_log_odds(images):
    classifier = small_networks.classifier(CLASSES)
    assert classifier.head is Head.SOFTMAX

    def squared(params, features):  # no matrix product of the mean
        return jnp.tanh(features.mean(axis=(1, 2)) ** 2)[:, :CLASSES]

    classifier = dataclasses.replace(classifier, head_fn=squared)
    found = evidence_map(classifier, images)
    features = classifier.features(images)
    wanted = class_log_odds(classifier.logits_of_features(features), Head.SOFTMAX)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), wanted, rtol=1e-4, atol=1e-5)


def test_no_gradient_goes_through(images):
    classifier = small_networks.classifier(CLASSES)
    slope = jax.grad(lambda images: evidence_map(classifier, images).sum())(images)
    np.testing.assert_array_equal(slope, 0.0)
