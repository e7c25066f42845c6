"""STEEX by each region alone and by the fewest that flip, where both are known."""

import dataclasses

import flat_regions
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_steex import SIZE, batch, explained, frozen, half_as_bright, with_a_dot

from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import Head
from xai_jax.methods import steex
from xai_jax.metrics.regions import flips_alone


def test_a_region_between_the_rows_that_the_generator_reads_is_none_that_can_move():
    own, rows = frozen(), dataclasses.replace(batch(2), regions=jnp.asarray(with_a_dot()))
    coarse = own.replace(generator=own.generator.replace(stride=2))
    for of, moves in ((own, 1.0), (coarse, 0.0)):
        found = explained(steex.Sparsest(num_steps=1, margin=50.0), of=of, rows=rows)
        np.testing.assert_array_equal(found.numbers["region_set"], [[1, 1, 1, 1, moves]] * 2)
        assert (found.numbers["region_share"][:, 4] == 1 / SIZE**2).all()
        metric = flips_alone(flat_regions.NAMES)
        told = metric.measure(None, of, rows, found, jax.random.key(0))
        assert np.isnan(told["flips_by_nowhere"]).all() == (moves == 0.0)


def _either_pair(params, images):
    """One logit that both upper quadrants must be bright for, and neither can do alone."""
    half = images.shape[1] // 2
    left = images[:, :half, :half].mean((1, 2, 3))
    right = images[:, :half, half:].mean((1, 2, 3))
    return params["gain"] * (jnp.minimum(left, right) - 0.5)[:, None]


def test_the_fewest_regions_that_flip_are_one_or_two():
    """All four pictures have one bright quadrant; both upper ones must be bright."""
    own = Classifier.from_callable(_either_pair, {"gain": jnp.float32(20.0)}, head=Head.SIGMOID)
    of = frozen().replace(classifier=own)
    cfg = steex.Sparsest(num_steps=40, learning_rate=0.05, distance_weight=0.1, margin=1.0)
    found = explained(cfg, of=of)
    wanted = [[0, 1], [1, 0], [1, 1], [1, 1]]  # bright are the left, the right, none of the two
    np.testing.assert_array_equal(found.numbers["region_set"][:, :2], wanted)
    np.testing.assert_array_equal(found.numbers["region_set"][:2, 2:], 0.0)
    assert (found.numbers["log_odds_after"] > 0).all()
    alone = found.numbers["gained_alone"]
    assert alone[0, 1] > 0 > alone[0, 0] and alone[1, 0] > 0 > alone[1, 1]
    assert (alone[2:] < 0).all() and (alone[:, 2:] < 0).all()
    pictures = found.pictures["counterfactual_alone"]
    assert pictures.shape == (4, 5, SIZE, SIZE, 3)
    np.testing.assert_array_equal(pictures[0, 1], found.pictures["counterfactual"][0])
    targeted = dataclasses.asdict(cfg) | {"targeted": ("upper right",)}
    same = explained(steex.Config(**targeted), of=of)
    np.testing.assert_allclose(pictures[:, 1], same.pictures["counterfactual"], atol=1e-5)
    own_images = np.asarray(batch().images)
    np.testing.assert_array_equal(pictures[:, 4], own_images)  # a region that is nowhere
    assert found.saliency[0, 0, -1] > found.saliency[0, -1, 0]
    some = dataclasses.replace(cfg, targeted=("upper left", "lower left"))
    fewer = explained(some, of=of)
    wanted = [[1, 0, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 1, 0, 0]]
    np.testing.assert_array_equal(fewer.numbers["region_set"], wanted)
    for name in (0, 2):
        same = fewer.pictures["counterfactual_alone"][:, name]
        np.testing.assert_allclose(same, pictures[:, name], atol=1e-5)
    np.testing.assert_array_equal(fewer.pictures["counterfactual_alone"][:, 1], own_images)


def test_what_each_reconstruction_gains_by_itself_stands_beside_what_its_region_gains():
    """The quadrant that decides is drawn half as bright; around it the pixels are the picture's."""
    of = frozen().replace(generator=flat_regions.flat(0.0).replace(encode_fn=half_as_bright))
    found = explained(steex.Sparsest(num_steps=2, learning_rate=1e-3), of=of)
    before = found.numbers["log_odds_before"]
    toward, dark = np.where(before >= 0, -1.0, 1.0), np.asarray(batch().images)
    mean = dark[:, : SIZE // 2, : SIZE // 2].mean((1, 2, 3))
    already = found.numbers["already_alone"]
    np.testing.assert_allclose(already[:, 0], toward * 20.0 * (0.5 * mean - 0.5), rtol=1e-4)
    assert already[0, 0] > 0 and found.numbers["gained_alone"][0, 0] > 0  # no merit of the codes
    np.testing.assert_allclose(already[:, 1:], -abs(before)[:, None] * np.ones(4), rtol=1e-4)


@pytest.mark.parametrize("corrected", [False, True])
def test_the_map_has_what_each_code_gains_and_nothing_of_the_reconstructions_error(corrected):
    """With a step that is next to none the first picture flips: the set says so, the map does not.

    Where the error is taken off it does not flip, and the map is the same.
    """
    of = frozen().replace(generator=flat_regions.flat(0.0).replace(encode_fn=half_as_bright))
    cfg = steex.Sparsest(num_steps=2, learning_rate=1e-3, corrected=corrected)
    found = explained(cfg, of=of)
    already, before = found.numbers["already_alone"], -abs(found.numbers["log_odds_before"])
    assert already[0, 0] > 0 and already[0, 0] - before[0] > 5.0
    assert (found.numbers["gained_alone"][0, 0] > 0) == (not corrected)
    assert found.numbers["region_set"][0].sum() == (4.0 if corrected else 1.0)
    painted = found.saliency[..., 0]
    assert (painted[:, 0, 0] > 0).all() and abs(painted).max() < 1.0  # nats
    np.testing.assert_array_equal(painted[:, SIZE // 2 :], 0.0)
    if not corrected:
        merit = found.numbers["gained_alone"] - already
        np.testing.assert_allclose(painted[:, 0, 0], merit[:, 0], atol=1e-5)


def test_a_region_that_a_picture_lacks_is_in_no_set_whatever_the_reconstruction_gains():
    """The generator's picture flips by itself, so that each region alone seems to flip, too."""
    of = frozen().replace(generator=flat_regions.flat(0.0).replace(encode_fn=half_as_bright))
    cfg = steex.Sparsest(num_steps=2, learning_rate=1e-3, restored=False)
    found = explained(cfg, of=of)
    assert found.numbers["reconstruction_flips"][0] == 1.0
    alone, before = found.numbers["gained_alone"], found.numbers["log_odds_before"]
    assert (alone[0, :4] > 0).all()
    np.testing.assert_allclose(alone[:, 4], -abs(before), rtol=1e-5)
    np.testing.assert_array_equal(
        found.pictures["counterfactual_alone"][:, 4], np.asarray(batch().images)
    )
    # Of the other three nothing flips: all that there are, and no more.
    np.testing.assert_array_equal(found.numbers["region_set"][1:], [[1, 1, 1, 1, 0]] * 3)
    assert found.numbers["region_set"][0].sum() == 1.0
