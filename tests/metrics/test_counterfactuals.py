"""Scores of counterfactual pictures, by hand and against SciPy's matrix root."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_distributions import by_scipy

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import counterfactuals, realism
from xai_jax.metrics.distributions import kid
from xai_jax.metrics.sureness import surely


def brightness(params, images):
    return 10.0 * (images.mean((1, 2, 3)) - params)[:, None]


def pixels(classifier, images):
    return images.reshape(len(images), -1)


def known(threshold=0.5) -> Frozen:
    classifier = Classifier.from_callable(brightness, jnp.float32(threshold), head=Head.SIGMOID)
    return Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))


def batch_of(images) -> Batch:
    num = len(images)
    return Batch(
        images=jnp.asarray(images, jnp.float32),
        target=jnp.zeros(num, jnp.int32),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
    )


def explained(batch, made, **pictures) -> Explanation:
    flat = jnp.zeros((*batch.images.shape[:3], 1))
    pictures = {name: jnp.asarray(p, jnp.float32) for name, p in pictures.items()}
    pictures["counterfactual"] = jnp.asarray(made, jnp.float32)
    return Explanation(target=batch.target, saliency=flat, pictures=pictures)


def rows_of(metric, batch, explanation):
    found = metric.measure(metric.params, known(), batch, explanation, jax.random.key(0))
    assert set(found) == {row.name for row in metric.rows}
    return {name: np.asarray(value) for name, value in found.items()}


def test_flips_distances_and_the_oracle_by_hand():
    levels = np.array([0.2, 0.3, 0.8, 0.9])  # two of either side
    made = np.array([0.62, 0.45, 0.3, 0.45])
    images, after = (np.tile(x[:, None, None, None], (1, 2, 2, 3)) for x in (levels, made))
    after[0, 0, 0] = images[0, 0, 0]  # one of four pixels stays
    batch = batch_of(images)
    oracle = known(0.4).classifier  # finds 0.45 on the bright side
    metric = counterfactuals.flips(oracle=oracle)
    rows = rows_of(metric, batch, explained(batch, after, stable=images + 0.05))
    assert rows["decided"].tolist() == [0, 0, 1, 1]
    for when, seen in (("before", images), ("after", after), ("stable", images + 0.05)):
        for whose, threshold in (("", 0.5), ("oracle_", 0.4)):
            odds = brightness(jnp.float32(threshold), jnp.asarray(seen, jnp.float32))[:, 0]
            np.testing.assert_allclose(rows[f"{whose}odds_{when}"], odds, rtol=1e-5, atol=1e-6)
    assert rows["flipped"].tolist() == [1, 0, 1, 1]
    assert rows["oracle_flipped"].tolist() == [1, 1, 1, 0]
    assert rows["oracle_agrees"].tolist() == rows["oracle_stays"].tolist() == [1] * 4
    np.testing.assert_allclose(rows["changed_by"], [0.315, 0.15, 0.5, 0.45], rtol=1e-5)
    assert rows["changed_share"].tolist() == [0.75, 1, 1, 1] and rows["stays"].tolist() == [1] * 4
    table = metric.reduce(rows)
    assert set(table) == {column.name for column in metric.columns}
    assert (table["flipped"], table["flipped_one"], table["flipped_zero"]) == (0.75, 1.0, 0.5)
    assert (table["oracle_flipped_one"], table["oracle_flipped_zero"]) == (0.5, 1.0)
    assert table["stable_error"] == pytest.approx(0.0025, rel=1e-4)


def flat_pictures(levels) -> np.ndarray:
    """``[n 1 1 3]``, each of one grey level."""
    return np.tile(np.asarray(levels)[:, None, None, None], (1, 1, 1, 3))


def test_a_picture_that_the_oracle_decides_otherwise_is_no_flip_of_it():
    # The oracle finds 0.45 on the bright side: the first, unchanged, is there from the start.
    images = flat_pictures([0.45, 0.3, 0.3, 0.8])
    made, stable = flat_pictures([0.45, 0.6, 0.35, 0.3]), flat_pictures([0.2, 0.35, 0.42, 0.45])
    metric = counterfactuals.flips(oracle=known(0.4).classifier)
    batch = batch_of(images)
    rows = rows_of(metric, batch, explained(batch, made, stable=stable))
    assert rows["oracle_agrees"].tolist() == [0, 1, 1, 1]
    np.testing.assert_array_equal(rows["oracle_flipped"], [np.nan, 1, 0, 1])
    np.testing.assert_array_equal(rows["oracle_stays"], [np.nan, 1, 0, 1])
    assert rows["stays"].tolist() == [1, 1, 1, 0]
    table = metric.reduce(rows)
    assert (table["oracle_agrees"], table["oracle_flipped"]) == (0.75, pytest.approx(2 / 3))
    of_oracle = [column for column in metric.columns if column.name.startswith("oracle_")]
    assert {column.source for column in of_oracle} == {"ours"}  # no paper of these asks one


def several(params, images):
    """Logits of three classes, each that of `brightness`."""
    return jnp.tile(brightness(params, images), (1, 3))


@pytest.mark.parametrize("metric", [counterfactuals.flips, surely])
def test_an_oracle_of_more_classes_and_a_class_that_there_is_not_are_refused(metric):
    batch = batch_of(flat_pictures([0.3]))
    found = explained(batch, flat_pictures([0.7]))
    of_three = Classifier.from_callable(several, jnp.float32(0.5), head=Head.SIGMOID)
    with pytest.raises(ValueError, match="^The oracle knows 3 classes and the explained class"):
        rows_of(metric(of_three), batch, found)
    with pytest.raises(ValueError, match="^decided_class is 1 and the classifier's classes are 0"):
        rows_of(metric(decided_class=1), batch, found)


def strict(params, images):
    """As `brightness`; NaN of pictures that are black or white."""
    odds, mean = brightness(params, images), images.mean((1, 2, 3))[:, None]
    return jnp.where((mean > 0) & (mean < 1), odds, jnp.nan)


def test_odds_that_are_not_there_are_no_decision():
    images, made = flat_pictures([0.3, 0.0, 0.3, 0.7]), flat_pictures([0.7, 0.7, 1.0, 0.3])
    stable = flat_pictures([0.0, 0.3, 0.3, 0.7])
    batch = batch_of(images)
    blind = Classifier.from_callable(strict, jnp.float32(0.5), head=Head.SIGMOID)
    nan, found = np.nan, explained(batch, made, stable=stable)
    rows = rows_of(counterfactuals.flips(blind), batch, found)
    np.testing.assert_array_equal(rows["oracle_agrees"], [1, nan, 1, 1])
    np.testing.assert_array_equal(rows["oracle_flipped"], [1, nan, nan, 1])
    np.testing.assert_array_equal(rows["oracle_stays"], [nan, nan, 1, 1])
    sure = rows_of(surely(blind), batch, found)
    np.testing.assert_array_equal(sure["oracle_flips_75"], [1, nan, nan, 1])
    frozen = Frozen(classifier=blind, infill=Constant(value=0.5).build(blind))
    for metric, name, wanted in (
        (counterfactuals.flips(), "decided", [0, nan, 0, 1]),
        (counterfactuals.flips(), "flipped", [1, nan, nan, 1]),
        (counterfactuals.flips(), "newly_flips", [nan, nan, nan, 1]),
        (surely(), "flips_75", [1, nan, nan, 1]),
        (realism.realism(pixels, blind), "side", [0, nan, 0, 1]),
    ):
        own = metric.measure(metric.params, frozen, batch, found, jax.random.key(0))
        np.testing.assert_array_equal(own[name], wanted, err_msg=name)


def test_a_flip_of_the_reconstruction_is_none_of_the_counterfactual():
    images, made = flat_pictures([0.3, 0.3]), flat_pictures([0.8, 0.8])
    batch = batch_of(images)
    found = explained(batch, made, reconstruction=flat_pictures([0.7, 0.2]), generated=made)
    rows = rows_of(counterfactuals.flips(), batch, found)
    assert rows["flipped"].tolist() == [1, 1] and rows["newly_flips"].tolist() == [0, 1]
    assert rows["stays"].tolist() == [0, 1]
    np.testing.assert_allclose(rows["stable_error"], [0.16, 0.01], rtol=1e-5)
    alone = rows_of(counterfactuals.flips(), batch, explained(batch, made))
    assert alone["newly_flips"].tolist() == [1, 1] and np.isnan(alone["stays"]).all()


def test_what_is_put_back_around_a_counterfactual_is_put_back_around_the_reconstruction():
    images = np.full((1, 1, 2, 3), 0.3)
    generated, reconstruction = images + 0.4, images + 0.1
    made = generated.copy()
    made[:, :, 0] = 0.3  # the left pixel is the picture's own
    batch = batch_of(images)
    pictures = {"reconstruction": reconstruction, "generated": generated}
    begun = counterfactuals.begun(batch, explained(batch, made, **pictures))
    np.testing.assert_allclose(begun[0, 0, :, 0], [0.3, 0.4])


def test_the_decision_may_be_that_of_the_class_that_is_explained():
    images = np.full((2, 2, 2, 3), 0.8)
    batch = batch_of(images).replace(target=jnp.array([0, 1]))
    classifier = Classifier.from_callable(
        lambda params, x: 10.0 * (x.mean((1, 3))[:, :2] - params), jnp.float32(0.5), head="sigmoid"
    )
    made = images.copy()
    made[:, :, 0] = 0.2  # the left half, which only class 0 looks at
    explanation = explained(batch, made)
    metric = counterfactuals.flips(decided_class=None)
    frozen = Frozen(classifier=classifier, infill=Constant(value=0.5).build(classifier))
    rows = metric.measure(metric.params, frozen, batch, explanation, jax.random.key(0))
    assert rows["flipped"].tolist() == [1, 0]


def test_a_method_without_a_stable_picture_has_no_keep_rate():
    batch = batch_of(np.full((2, 2, 2, 3), 0.2))
    metric = counterfactuals.flips()
    rows = rows_of(metric, batch, explained(batch, batch.images))
    assert np.isnan(metric.reduce(rows)["stays"])
    nothing = Explanation(target=batch.target, saliency=batch.images[..., :1])
    with pytest.raises(ValueError, match="The method makes no counterfactual pictures"):
        metric.measure(None, known(), batch, nothing, jax.random.key(0))


def test_realism_is_a_share_of_how_far_the_sides_are_apart():
    rng = np.random.default_rng(0)
    dark, bright = rng.uniform(0, 0.4, (20, 1, 2, 1)), rng.uniform(0.6, 1, (30, 1, 2, 1))
    images = np.concatenate([dark, bright])
    made = rng.uniform(0.2, 0.9, images.shape)
    batch = batch_of(images)
    metric = realism.realism(pixels, known().classifier)
    found = metric.reduce(rows_of(metric, batch, explained(batch, made)))
    assert math.isnan(found["frechet_stable_one"]) and math.isnan(found["frechet_stable_zero"])
    flat = [x.reshape(len(x), -1) for x in (dark, bright, made[:20], made[20:])]
    apart = by_scipy(flat[0], flat[1])
    assert found["frechet_to_one"] == pytest.approx(by_scipy(flat[1], flat[2]) / apart, rel=1e-3)
    assert found["frechet_to_zero"] == pytest.approx(by_scipy(flat[0], flat[3]) / apart, rel=1e-3)


def test_realism_of_a_side_of_no_more_pictures_than_features_is_left_open():
    images = np.random.default_rng(0).uniform(size=(11, 1, 2, 1))
    images[:, 0, :, 0] += np.where(np.arange(11) < 9, 0.6, -0.6)[:, None]  # nine of one side
    batch = batch_of(images)
    metric = realism.realism(pixels, known().classifier)
    found = metric.reduce(rows_of(metric, batch, explained(batch, images[::-1])))
    assert all(math.isnan(value) for value in found.values())


def test_stable_pictures_are_set_beside_the_side_that_they_are_of():
    rng = np.random.default_rng(0)
    dark, bright = rng.uniform(0, 0.4, (20, 1, 2, 1)), rng.uniform(0.6, 1, (30, 1, 2, 1))
    stable = rng.uniform(0, 0.4, (50, 1, 2, 1))  # of the dark ones good, of the bright ones none
    batch = batch_of(np.concatenate([dark, bright]))
    made = explained(batch, rng.uniform(0.2, 0.9, (50, 1, 2, 1)), stable=stable)
    flat = [x.reshape(len(x), -1) for x in (dark, bright, stable[:20], stable[20:])]
    shares = realism.realism(pixels, known().classifier)
    spread = realism.divergence(pixels, known().classifier)
    found = shares.reduce(rows_of(shares, batch, made))
    apart = by_scipy(flat[0], flat[1])
    assert found["frechet_stable_zero"] == pytest.approx(
        by_scipy(flat[0], flat[2]) / apart, rel=1e-3
    )
    assert found["frechet_stable_one"] == pytest.approx(
        by_scipy(flat[1], flat[3]) / apart, rel=1e-3
    )
    found = spread.reduce(rows_of(spread, batch, made))
    assert set(found) == {column.name for column in spread.columns}
    assert found["js_stable_zero"] < 0.3 and found["js_stable_one"] > 0.9


def test_the_divergence_is_of_each_sides_counterfactuals_from_the_side_they_were_to_reach():
    rng = np.random.default_rng(0)
    dark, bright = rng.uniform(0, 0.4, (20, 1, 2, 1)), rng.uniform(0.6, 1, (30, 1, 2, 1))
    images = np.concatenate([dark, bright])
    made = np.concatenate([bright[:20], bright])  # of the dark ones good, of the bright ones none
    batch = batch_of(images)
    metric = realism.divergence(pixels, known().classifier)
    rows = rows_of(metric, batch, explained(batch, made))
    found = metric.reduce(rows)
    assert set(found) == {column.name for column in metric.columns}
    assert found["js_apart"] > 0.9 and found["js_to_zero"] == pytest.approx(found["js_apart"])
    assert found["js_to_one"] < 0.3


def test_kid_is_that_of_each_sides_counterfactuals_to_the_side_they_were_to_reach():
    rng = np.random.default_rng(0)
    dark, bright = rng.uniform(0, 0.4, (20, 1, 2, 1)), rng.uniform(0.6, 1, (30, 1, 2, 1))
    made = rng.uniform(0.2, 0.9, (50, 1, 2, 1))
    batch = batch_of(np.concatenate([dark, bright]))
    metric = realism.kernel_distance(pixels, known().classifier)
    assert metric.of_pairs and {row.name for row in metric.rows} == {
        *("pixels_real", "pixels_made", "side")
    }
    found = metric.reduce(rows_of(metric, batch, explained(batch, made)))
    flat = [x.reshape(len(x), -1) for x in (dark, bright, made[:20], made[20:])]
    assert found == {
        "kid_apart": pytest.approx(kid(flat[0], flat[1]), rel=1e-4),
        "kid_to_one": pytest.approx(kid(flat[1], flat[2]), rel=1e-4),
        "kid_to_zero": pytest.approx(kid(flat[0], flat[3]), rel=1e-4),
    }


def test_the_change_of_what_is_not_dark_is_counted_in_pixels():
    images = np.zeros((2, 2, 2, 3))
    images[:, 0] = 0.5  # half of each picture
    made = images.copy()
    made[0, 0, 0], made[1, 1, 0] = 0.05, 0.11  # one pixel goes, one comes
    batch = batch_of(images)
    rows = rows_of(counterfactuals.area_change(), batch, explained(batch, made))
    assert rows["area_change"].tolist() == [-0.25, 0.25]
    assert rows["area_off"].tolist() == [0.25, 0.25]
