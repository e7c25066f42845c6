"""Grad-CAM against NumPy, both policies for maps without a positive cell, and its refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import small_networks

import xai_jax
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import gradcam

SIZE, CLASSES = 16, 3


def frozen(bias: float = 0.0) -> Frozen:
    """Class 2 is spoken against by every channel, whatever is active; `bias` of the others."""
    made = small_networks.classifier(CLASSES)
    kernel = made.params["classes"]["kernel"]
    kernel = kernel.at[:, 2].set(-jnp.abs(kernel[:, 2])) + bias
    params = {**made.params, "classes": {**made.params["classes"], "kernel": kernel}}
    made = made.replace(params=params)
    return Frozen(classifier=made, infill=Constant().build(made))


def batch(target, labels=None) -> Batch:
    num = len(target)
    return Batch(
        images=jax.random.uniform(jax.random.key(0), (num, SIZE, SIZE, 3)),
        target=jnp.array(target),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
        labels=None if labels is None else jnp.array(labels, jnp.float32),
    )


def explain(settings, frozen, batch):
    return jax.jit(settings.build().explain)((), frozen, batch, jax.random.key(0))


def by_hand(frozen: Frozen, batch: Batch, target) -> tuple[np.ndarray, np.ndarray]:
    """The map at the size of the activations before its positive part, and the whole one."""
    features = np.asarray(frozen.classifier.features(batch.images), np.float64)  # [b y x c]
    cells = features.shape[1] * features.shape[2]
    weights = np.asarray(frozen.classifier.params["classes"]["kernel"], np.float64) / cells
    coarse = np.einsum("byxc,cb->byx", features, weights[:, np.asarray(target)])
    zoom = (1, SIZE / features.shape[1], SIZE / features.shape[2])
    positive = np.maximum(coarse, 0)
    return coarse, scipy.ndimage.zoom(positive, zoom, order=1, mode="nearest", grid_mode=True)


def test_the_map_is_the_one_by_hand():
    shown, pictures = frozen(), batch([0, 1, 0])
    found = explain(gradcam.Config(), shown, pictures)
    coarse, wanted = by_hand(shown, pictures, pictures.target)
    assert (wanted.max(axis=(1, 2)) > 0).all() and (coarse < 0).any()
    np.testing.assert_allclose(found.saliency[..., 0], wanted, atol=1e-6)
    np.testing.assert_allclose(found.numbers["peak"], coarse.max(axis=(1, 2)), rtol=1e-4)


def test_a_class_without_a_positive_cell_has_a_map_of_zeros_and_leaves_the_others_theirs():
    shown, pictures = frozen(), batch([2, 0], labels=[[1, 0, 1], [1, 0, 1]])
    found = explain(gradcam.Config(), shown, pictures)
    assert (found.saliency[0] == 0).all() and found.numbers["peak"][0] <= 0
    _, wanted = by_hand(shown, pictures, pictures.target)
    np.testing.assert_allclose(found.saliency[1, ..., 0], wanted[1], atol=1e-6)


def test_as_compared_such_a_true_class_empties_all_maps_of_its_picture():
    shown = frozen()
    pictures = batch([0, 0, 0, 2], labels=[[1, 0, 1], [1, 1, 0], [1, 0, 0], [0, 0, 1]])
    for each in (0, 1):  # so that the second picture is not emptied by its other class
        coarse, _ = by_hand(shown, pictures, [each] * 4)
        assert (coarse.max(axis=(1, 2)) > 0).all()
    found = explain(gradcam.Config.as_compared(), shown, pictures)
    plain = explain(gradcam.Config(), shown, pictures)
    assert (found.saliency[0] == 0).all() and (found.saliency[3] == 0).all()
    assert (plain.saliency[0] != 0).any()
    np.testing.assert_array_equal(found.saliency[1:3], plain.saliency[1:3])


def test_as_compared_without_the_truth_only_the_target_counts():
    shown, pictures = frozen(), batch([0, 2])
    found = explain(gradcam.Config.as_compared(), shown, pictures)
    plain = explain(gradcam.Config(), shown, pictures)
    np.testing.assert_array_equal(found.saliency, plain.saliency)


def test_a_flat_positive_map_is_as_it_is():
    flat = dataclasses.replace(batch([0]), images=jnp.full((1, SIZE, SIZE, 3), 0.9))
    found = explain(gradcam.Config(), frozen(bias=1.0), flat)
    assert np.isfinite(found.saliency).all() and (found.saliency > 0).any()


def test_a_classifier_in_one_piece_is_refused_before_it_is_compiled():
    calls = []

    def fn(params, x):
        calls.append(None)
        return x.mean(axis=(1, 2))

    whole = xai_jax.Classifier.from_callable(fn)
    images = np.zeros((2, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match=r"two halves, classifier.replace\(features_fn") as said:
        xai_jax.explain(whole, images, method=gradcam.Config())
    assert str(said.value).count(". ") == 0 and len(calls) == 1  # only its shape was asked


def test_activations_without_a_place_are_refused():
    made = frozen().classifier
    pooled = made.replace(features_fn=lambda params, x: x.mean(axis=(1, 2)))
    images = np.zeros((2, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match=r"\[b h' w' c'\], not \[2, 3\]; split the network"):
        xai_jax.explain(pooled, images, method=gradcam.Config())
