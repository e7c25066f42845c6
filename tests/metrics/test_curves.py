"""All curve metrics from one pass, against a slow loop in NumPy over a closed form."""

import dataclasses
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Constant
from xai_jax.metrics import curves, shown

SIZE, FILLED, STEPS = 8, 0.3, 5
GREY = Constant(value=FILLED)
ALL = ("srg", "insertion", "deletion", "aopc_morf", "aopc_lerf", "average_drop", "increase", "gain")


def probability(image: np.ndarray, keep: np.ndarray, target: int) -> float:
    """Of the quadrant classifier on the composite, in float64."""
    composite = keep * image.astype(np.float64) + (1 - keep) * FILLED
    half = SIZE // 2
    quarters = [composite[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    weights = np.exp([20.0 * quarter.mean() for quarter in quarters])
    return float(weights[target] / weights.sum())


@pytest.fixture(scope="module")
def batch() -> Batch:
    made = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    return dataclasses.replace(made, target=jnp.array([0, 3, 1], jnp.int32))  # one is not seen


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier, GREY.build(classifier))


def measured(metric, frozen, batch, saliency, seed=1):
    explanation = Explanation(target=batch.target, saliency=jnp.asarray(saliency, jnp.float32))
    run = jax.jit(metric.measure)
    found = run(metric.params, frozen, batch, explanation, jax.random.key(seed))
    return {name: np.asarray(values) for name, values in found.items()}


def by_hand(image: np.ndarray, saliency: np.ndarray, target: int) -> dict[str, float]:
    order = np.argsort(-saliency.ravel())
    pixels, curves_ = SIZE * SIZE, {}
    for way, ranked in (("morf", order), ("lerf", order[::-1])):
        curves_[way] = []
        for step in range(STEPS + 1):
            keep = np.ones(pixels)
            keep[ranked[: round(step / STEPS * pixels)]] = 0
            curves_[way].append(probability(image, keep.reshape(SIZE, SIZE, 1), target))
    share = np.linspace(0, 1, STEPS + 1)
    deletion, insertion = (np.trapezoid(curves_[way], share) for way in ("morf", "lerf"))
    stretched = (saliency - saliency.min()) / (saliency.max() - saliency.min())
    whole, masked = curves_["morf"][0], probability(image, stretched, target)
    return curves_ | {
        "whole": whole,
        "masked": masked,
        "srg": insertion - deletion,
        "insertion": insertion,
        "deletion": deletion,
        "aopc_morf": np.mean([whole - p for p in curves_["morf"]]),
        "aopc_lerf": np.mean([whole - p for p in curves_["lerf"]]),
        "average_drop": max(0.0, whole - masked) / whole,
        "increase": float(masked > whole),
        "gain": max(0.0, masked - whole) / (1 - whole),
    }


def test_every_score_of_every_picture_is_that_of_a_loop_in_numpy(batch, frozen):
    saliency = np.random.default_rng(0).normal(size=(3, SIZE, SIZE, 1))
    metric = curves.curves(num_steps=STEPS)
    found = measured(metric, frozen, batch, saliency)
    assert set(found) == {row.name for row in metric.rows}
    assert [column.name for column in metric.columns] == list(ALL)
    for i, target in enumerate((0, 3, 1)):
        wanted = by_hand(np.asarray(batch.images[i]), saliency[i], target)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name][i], value, atol=2e-5, err_msg=name)


def test_planted_evidence_beats_chance_and_its_opposite(frozen):
    batch = planted.quadrant_batch(4, SIZE, jax.random.key(0))
    truth = np.asarray(planted.quadrant_maps(batch.target, SIZE))
    metric = curves.curves(num_steps=STEPS)
    true, none, wrong = (
        measured(metric, frozen, batch, saliency)["srg"] for saliency in (truth, 0 * truth, -truth)
    )
    assert (true > 0.3).all() and (wrong < -0.3).all()
    np.testing.assert_allclose(true, -wrong, atol=0.1)
    assert np.abs(none.mean()) < 0.2


def test_equal_pixels_follow_the_picture_and_not_the_reading_order():
    keys = example_keys(jax.random.key(0), jnp.arange(400, dtype=jnp.uint32))
    maps = jnp.zeros((400, 2, 4, 1)).at[:, 0, 0].set(1.0).at[:, 1, 3].set(-1.0)
    ranks = np.asarray(curves.shuffled_ranks(maps, keys)).reshape(400, 8)
    assert (np.sort(ranks, axis=1) == np.arange(8)).all()
    assert (ranks[:, 0] == 0).all() and (ranks[:, 7] == 7).all()
    np.testing.assert_allclose(ranks[:, 1:7].mean(axis=0), 3.5, atol=0.4)  # 1.71 / 20 a sigma
    again = curves.shuffled_ranks(maps[3:5], keys[3:5])
    np.testing.assert_array_equal(again.reshape(2, 8), ranks[3:5])


def test_flat_maps_and_nan_are_orders_that_say_nothing(batch, frozen):
    metric = curves.curves(num_steps=STEPS)
    flat = measured(metric, frozen, batch, np.full((3, SIZE, SIZE, 1), 0.7))
    nan = measured(metric, frozen, batch, np.full((3, SIZE, SIZE, 1), np.nan))
    for name in flat:
        np.testing.assert_array_equal(flat[name], nan[name])
        assert np.isfinite(flat[name]).all()
    reverse = {"morf": "lerf", "lerf": "morf"}
    for way, other in reverse.items():  # each way takes what the other leaves
        assert not np.array_equal(flat[way], flat[other])


def test_a_picture_is_measured_alike_alone_and_in_company(batch, frozen):
    saliency = np.random.default_rng(1).integers(0, 3, size=(3, SIZE, SIZE, 1))  # many are equal
    metric = curves.curves(num_steps=STEPS)
    whole = measured(metric, frozen, batch, saliency)
    alone = measured(metric, frozen, planted.take(batch, slice(1, 2)), saliency[1:2])
    for name, values in whole.items():
        np.testing.assert_allclose(alone[name][0], values[1], atol=1e-6)


def test_other_infills_stand_in_one_table_and_equal_settings_compile_once(batch, frozen):
    one, same, other = (
        curves.curves(Blur(sigma=sigma), "blur", num_steps=3) for sigma in (2.0, 2.0, 3.0)
    )
    assert one.measure == same.measure and hash(one.measure) == hash(same.measure)
    assert one.measure != other.measure
    assert {row.name[-5:] for row in one.rows} == {c.name[-5:] for c in one.columns} == {"_blur"}
    saliency = np.random.default_rng(0).normal(size=(3, SIZE, SIZE, 1))
    found = measured(one, frozen, batch, saliency)
    built = curves.curves(Blur(sigma=2.0).build(frozen.classifier), "blur", num_steps=3)
    again = measured(built, frozen, batch, saliency)
    np.testing.assert_array_equal(found["srg_blur"], again["srg_blur"])
    assert not np.allclose(found["srg_blur"], measured(other, frozen, batch, saliency)["srg_blur"])
    with pytest.raises(ValueError, match="num_steps must be at least 2"):
        curves.curves(num_steps=1)
    with pytest.raises(ValueError, match="infill is 'blur', which is neither an Infill nor"):
        inspect.unwrap(curves.curves)("blur")


def test_the_classes_of_merged_masks_are_the_true_ones():
    batch = Batch(images=None, target=jnp.array([0, 1, 2]), image_id=None, weight=None)
    target = np.eye(4)[:3] > 0
    np.testing.assert_array_equal(shown.explained_classes(batch, 4), target)
    labels = jnp.array([[1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
    found = shown.explained_classes(dataclasses.replace(batch, labels=labels), 4)
    np.testing.assert_array_equal(found, [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
