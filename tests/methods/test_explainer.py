"""NN-Explainer: its loss against sums worked by hand, and what it learns from planted evidence."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import small_networks

from xai_jax.core.class_activation import evidence_map
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant, Mean
from xai_jax.methods import explainer
from xai_jax.methods.explainer import method, terms
from xai_jax.nn.segmenter import Architecture, Segmenter

SIDE, CLASSES = 8, 3
MEAN = 0.25


def brightness(params, normalised):
    """Logit k is ``params[k]`` times the mean of what the network eats."""
    return normalised.mean(axis=(1, 2, 3))[:, None] * params[None]


@pytest.fixture
def frozen() -> Frozen:
    slopes = jnp.array([1.0, -2.0, 3.0])
    classifier = Classifier.from_callable(brightness, slopes, mean=MEAN, head=Head.SIGMOID)
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


@pytest.fixture
def batch() -> Batch:
    labels = jnp.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    return Batch(
        images=jnp.full((3, SIDE, SIDE, 3), 0.75),
        target=jnp.array([0, 1, 0]),
        image_id=jnp.arange(3, dtype=jnp.uint32),
        weight=jnp.ones(3),
        labels=labels,
    )


def config(**changes) -> explainer.Config:
    return explainer.Config(network=Segmenter(num_classes=CLASSES), max_targets=2, **changes)


def flat(*shares: float):
    """Masks that are one number everywhere, by class; a network that draws them."""
    logits = jnp.log(jnp.array(shares) / (1 - jnp.array(shares)))

    def draw(images):
        return jnp.broadcast_to(logits, (*images.shape[:3], len(shares)))

    return draw


def bce(logit: float, label: float) -> float:
    return math.log1p(math.exp(-logit)) if label else math.log1p(math.exp(logit))


def negative_entropy(logits: list[float]) -> float:
    probs = np.exp(logits) / np.exp(logits).sum()
    return float((probs * np.log(probs)).sum() / len(probs))


def test_the_terms_of_flat_masks_are_those_worked_by_hand(frozen, batch):
    loss, found = method._judged(config(), frozen, batch, flat(0.5, 0.75, 0.25), jax.random.key(0))
    # Of each picture: the mask m of its classes, that of the others, n; kept brightness above the
    # mean is m * 0.5, removed (1 - m) * 0.5. A flat mask of value v lies outside its bounds by
    # (floor(0.05 * 64) (1 - v) + (64 - floor(0.3 * 64)) v) / 64.
    m, n = [0.5, 0.75, 0.0], [0.75, 0.5, 0.75]
    bound = lambda v: (3 * (1 - v) + 45 * v) / 64  # noqa: E731
    np.testing.assert_allclose(found["target_area"], m, rtol=1e-6)
    np.testing.assert_allclose(found["other_area"], n, rtol=1e-6)
    np.testing.assert_allclose(found["variation"], 0.0, atol=1e-6)
    np.testing.assert_allclose(
        found["area_bound"], [bound(0.5) + bound(0.25), bound(0.75), 0.0], rtol=1e-5
    )
    slopes = [1.0, -2.0, 3.0]
    for row in range(3):
        labels = np.asarray(batch.labels[row])
        kept = [slope * 0.5 * m[row] for slope in slopes]
        removed = [slope * 0.5 * (1 - m[row]) for slope in slopes]
        wrong = np.mean([bce(z, y) for z, y in zip(kept, labels, strict=True)])
        unsure = negative_entropy(removed)
        np.testing.assert_allclose(found["classification"][row], wrong, rtol=1e-5)
        np.testing.assert_allclose(found["entropy"][row], unsure, rtol=1e-5)
        published = wrong + unsure + found["area_bound"][row] + 0.1 * m[row] + 0.3 * n[row]
        np.testing.assert_allclose(loss[row], published, rtol=1e-5)


def test_what_the_classifier_finds_in_the_kept_part_is_counted_from_minus_one_on(frozen, batch):
    steep = dataclasses.replace(frozen.classifier, params=jnp.array([4.0, -3.5, -2.0]))
    frozen = Frozen(classifier=steep, infill=frozen.infill)
    _, found = method._judged(config(), frozen, batch, flat(0.5, 0.75, 0.25), jax.random.key(0))
    # Kept brightness is 0.25, 0.375 and 0 above the mean, so that the logits are (1, -0.9, -0.5),
    # (1.5, -1.3, -0.75) and 0.
    assert found["true_positives"].tolist() == [2, 0, 0]
    assert found["false_positives"].tolist() == [1, 2, 3]
    assert found["false_negatives"].tolist() == [0, 1, 0]
    assert found["true_negatives"].tolist() == [0, 0, 0]


def test_what_the_removed_part_still_shows_of_the_true_classes_counts_where_it_is_weighed(
    frozen, batch
):
    draw = flat(0.5, 0.75, 0.25)
    plain, _ = method._judged(config(), frozen, batch, draw, jax.random.key(0))
    weighed = config(presence_weight=2.0)
    loss, found = method._judged(weighed, frozen, batch, draw, jax.random.key(0))
    removed = 0.5 * np.array([1 - 0.5, 1 - 0.75])  # brightness above the mean
    wanted = [(bce(removed[0], 0) + bce(3 * removed[0], 0)) / 2, bce(-2 * removed[1], 0), 0.0]
    np.testing.assert_allclose(found["presence"], wanted, rtol=1e-5)
    np.testing.assert_allclose(loss - plain, 2.0 * np.array(wanted), rtol=1e-4)


def test_masks_may_begin_as_the_classifiers_own_evidence():
    """A network that draws 0 everywhere leaves them as they began, trained and in training."""
    classifier = small_networks.classifier(CLASSES, head=Head.SIGMOID)
    frozen = Frozen(classifier=classifier, infill=Mean().build(classifier))
    images = jax.random.uniform(jax.random.key(1), (2, 16, 16, 3))
    batch = Batch(
        images=images,
        target=jnp.array([2, 0]),
        image_id=jnp.arange(2, dtype=jnp.uint32),
        weight=jnp.ones(2),
        labels=jnp.eye(CLASSES)[:2],
    )
    light = Segmenter(num_classes=CLASSES, architecture=Architecture.LIGHT)
    made = explainer.Config(network=light, max_targets=2, from_evidence=True).build()
    assert made.trainable is not None
    state = made.trainable.init(jax.random.key(0), frozen, batch)
    nothing = jax.tree.map(jnp.zeros_like, state.params["classes"])
    state = dataclasses.replace(state, params={**state.params, "classes": nothing})
    wanted = jax.nn.sigmoid(evidence_map(classifier, images))
    found = made.explain(made.trainable.weights(state), frozen, batch, jax.random.key(0))
    np.testing.assert_allclose(found.class_keep, wanted, rtol=1e-5)
    np.testing.assert_allclose(found.keep[0, ..., 0], wanted[0, ..., 2], rtol=1e-5)
    _, metrics = made.trainable.step(state, frozen, batch, jax.random.key(0))
    kept = [wanted[0, ..., 0].mean(), wanted[1, ..., 1].mean()]
    np.testing.assert_allclose(metrics["target_area"], np.mean(kept), rtol=1e-5)


def test_masks_that_begin_as_evidence_need_a_classifier_in_two_halves(frozen):
    made = config(from_evidence=True).build()
    with pytest.raises(ValueError, match=r"evidence map reads activations.*features_fn"):
        made.check(frozen, (3, SIDE, SIDE, 3))


def test_a_classifier_with_a_softmax_head_is_judged_by_its_cross_entropy(frozen, batch):
    classifier = dataclasses.replace(frozen.classifier, head=Head.SOFTMAX)
    frozen = Frozen(classifier=classifier, infill=frozen.infill)
    _, found = method._judged(config(), frozen, batch, flat(0.5, 0.75, 0.25), jax.random.key(0))
    logits = np.array([1.0, -2.0, 3.0]) * 0.5 * 0.75  # the second picture, whose label is 1
    wanted = np.log(np.exp(logits).sum()) - logits[1]
    np.testing.assert_allclose(found["classification"][1], wanted, rtol=1e-5)


def test_what_is_removed_becomes_the_infill_and_not_black(frozen, batch):
    classifier = frozen.classifier
    bright = Frozen(classifier=classifier, infill=Constant(value=0.75).build(classifier))
    dark = Frozen(classifier=classifier, infill=Constant(value=0.0).build(classifier))
    found = [
        method._judged(config(), f, batch, flat(0.5, 0.5, 0.5), jax.random.key(0))[1]
        for f in (bright, dark)
    ]
    whole = np.mean([bce(0.5, 1), bce(-1.0, 0), bce(1.5, 1)])  # nothing changes where all is 0.75
    np.testing.assert_allclose(found[0]["classification"][0], whole, rtol=1e-5)
    brighter_by = 0.5 * 0.75 - MEAN  # half the picture's 0.75, half black
    half = np.mean([bce(brighter_by, 1), bce(-2 * brighter_by, 0), bce(3 * brighter_by, 1)])
    np.testing.assert_allclose(found[1]["classification"][0], half, rtol=1e-5)


def test_the_self_explaining_network_is_judged_by_both_of_its_answers(frozen, batch):
    def draw(images):  # logits follow the brightness, so that the second answer differs
        brighter = images.mean(axis=3, keepdims=True) - MEAN
        return brighter * jnp.array([1.0, -2.0, 3.0])

    cfg = config(self_explaining=True, coherency_weight=2.0)
    loss, found = method._judged(cfg, frozen, batch, draw, jax.random.key(0))
    sigmoid = lambda z: 1 / (1 + math.exp(-z))  # noqa: E731
    first = np.array([0.5, -1.0, 1.5])
    m = sigmoid(1.5)  # the first picture has the classes 0 and 2
    second = first * m
    labels = [1, 0, 1]
    wrong = sum(
        np.mean([bce(z, y) for z, y in zip(s, labels, strict=True)]) for s in (first, second)
    )
    np.testing.assert_allclose(found["classification"][0], wrong, rtol=1e-5)
    np.testing.assert_allclose(found["similarity"][0], np.abs(first - second).mean(), rtol=1e-5)
    np.testing.assert_allclose(found["coherency"][0], m - sigmoid(1.5 * m), rtol=1e-5)
    np.testing.assert_allclose(found["target_area"][0], m + sigmoid(1.5 * m), rtol=1e-5)
    assert "entropy" not in found
    shape = found["area_bound"] + 0.1 * found["target_area"] + 0.3 * found["other_area"]
    published = found["classification"] + found["similarity"] + 2.0 * found["coherency"] + shape
    np.testing.assert_allclose(loss, published, rtol=1e-5)


def test_the_presets_are_the_four_published_runs():
    runs = {
        "voc_vgg16": (20, 1.0, 1.0, 1.0, 0.1, 0.3, 1e-5),
        "voc_resnet50": (20, 3.0, 1.0, 0.8, 0.01, 0.3, 1e-4),
        "coco_vgg16": (91, 1.0, 0.3, 0.3, 0.03, 0.1, 1e-5),
        "coco_resnet50": (91, 3.0, 0.05, 0.1, 0.01, 0.03, 1e-5),
    }
    for name, values in runs.items():
        cfg = explainer.Config() if name == "voc_vgg16" else getattr(explainer.Config, name)()
        found = (
            cfg.network.num_classes,
            cfg.entropy_weight,
            cfg.variation_weight,
            cfg.bound_weight,
            cfg.target_area_weight,
            cfg.other_area_weight,
            cfg.learning_rate,
        )
        assert found == values, name
        assert (cfg.min_area, cfg.max_area) == (0.05, 0.3)
        assert cfg.network.architecture is Architecture.DEEPLAB


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"entropy_weight": -1.0}, "entropy_weight must be a finite number of at least 0"),
        ({"min_area": 0.4}, "min_area 0.4 is larger than max_area 0.3"),
        ({"max_area": 1.5}, r"max_area must be a finite number within \[0, 1\]"),
        ({"micro_batches": 0}, "micro_batches must be a whole number of at least 1"),
    ],
)
def test_settings_without_sense_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        config(**changes).build()


def test_labels_of_another_number_of_classes_are_refused_before_anything_is_compiled(frozen, batch):
    cfg = explainer.Config(network=Segmenter(num_classes=5))
    with pytest.raises(ValueError, match=r"shape \[3, 5\], which are \[3, 3\]"):
        method._judged(cfg, frozen, batch, flat(0.5, 0.5, 0.5), jax.random.key(0))
    without = dataclasses.replace(batch, labels=None)
    with pytest.raises(ValueError, match="which are missing"):
        method._judged(cfg, frozen, without, flat(0.5, 0.5, 0.5), jax.random.key(0))


def test_more_classes_in_a_picture_than_are_allowed_for_make_the_loss_nan(frozen, batch):
    cfg = dataclasses.replace(config(), max_targets=1)
    loss, found = method._judged(cfg, frozen, batch, flat(0.5, 0.5, 0.5), jax.random.key(0))
    assert np.isnan(found["area_bound"][0]) and np.isnan(loss[0])
    assert np.isfinite(loss[1:]).all()


def test_no_gradient_reaches_the_infill_and_the_mask_gets_one_from_the_classifier(frozen, batch):
    def total(shift, params):
        classifier = dataclasses.replace(frozen.classifier, params=params)
        changed = Frozen(classifier=classifier, infill=frozen.infill)
        draw = lambda images: flat(0.5, 0.75, 0.25)(images) + shift  # noqa: E731
        found, _ = terms.explained(
            changed, batch, draw(batch.images), jax.random.key(0), max_targets=2, area=(0.0, 1.0)
        )
        return found["classification"].sum()

    slope = jax.grad(total)(0.0, frozen.classifier.params)
    step = 1e-2
    by_hand = (total(step, frozen.classifier.params) - total(-step, frozen.classifier.params)) / (
        2 * step
    )
    np.testing.assert_allclose(slope, by_hand, rtol=1e-3)
    assert abs(float(slope)) > 1e-2


def test_the_explanation_is_the_targets_mask_among_those_of_all_classes():
    cfg = explainer.Config.smoke()
    built = cfg.build()
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=Mean().build(classifier))
    batch = planted.quadrant_batch(4, 32, jax.random.key(0))
    state = jax.jit(built.trainable.init)(jax.random.key(1), frozen, batch)
    found = jax.jit(built.explain)(built.trainable.weights(state), frozen, batch, jax.random.key(2))
    assert found.class_keep.shape == (4, 32, 32, 4)
    for row in range(4):
        of_target = found.class_keep[row, ..., int(batch.target[row])]
        np.testing.assert_array_equal(found.keep[row, ..., 0], of_target)
