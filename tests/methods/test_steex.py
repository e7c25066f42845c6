"""STEEX: the invariants of its specification (7.5), where the answer is known in closed form."""

import dataclasses

import flat_regions
import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

import xai_jax
from xai_jax.core.classifier import Classifier
from xai_jax.core.components import Components
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.infills.constant import Constant
from xai_jax.methods import steex
from xai_jax.methods.steex import regions

SIZE = 16
QUICK = steex.Config(num_steps=60, learning_rate=0.05, fresh_noise=False, distance_weight=0.5)


def _upper_left(params, images):
    """Two logits: 20 (brightness of the upper left quadrant - 1/2), and of the upper right one."""
    half = images.shape[1] // 2
    left = images[:, :half, :half].mean((1, 2, 3))
    right = images[:, :half, half:].mean((1, 2, 3))
    return params["gain"] * (jnp.stack([left, right], axis=1) - 0.5)


def classifier(gain=20.0, head=Head.SIGMOID) -> Classifier:
    return Classifier.from_callable(_upper_left, {"gain": jnp.float32(gain)}, head=head)


def frozen(gain=20.0, head=Head.SIGMOID, noise=0.0) -> Frozen:
    own = classifier(gain, head)
    infill = Constant(value=0.5).build(own)
    return Frozen(classifier=own, infill=infill, generator=flat_regions.flat(noise))


def batch(num=4):
    found = planted.quadrant_batch(num, SIZE, jax.random.key(0))
    return dataclasses.replace(found, target=jnp.zeros(num, jnp.int32))


def explained(cfg=QUICK, of=None, rows=None):
    of, rows = of or frozen(), rows or batch()
    found = jax.jit(cfg.build().explain)((), of, rows, jax.random.key(1))
    return jax.tree.map(np.asarray, found)


@pytest.fixture(scope="module")
def general():
    return explained()


def test_the_first_step_is_at_the_picture_and_every_decision_is_flipped(general):
    np.testing.assert_array_equal(general.numbers["distance"][:, 0], 0.0)
    before, after = general.numbers["log_odds_before"], general.numbers["log_odds_after"]
    assert ((before >= 0) != (after >= 0)).all()
    assert (before >= 0).tolist() == [True, False, False, False]
    np.testing.assert_array_equal(general.numbers["reconstruction_flips"], 0.0)
    # A flat generator's picture of its own codes has the same means: the same log-odds.
    np.testing.assert_allclose(general.numbers["log_odds_reconstruction"], before, atol=1e-3)
    first = np.logaddexp(0.0, abs(before))
    np.testing.assert_allclose(general.numbers["objective"][:, 0], first, rtol=1e-3)


@pytest.mark.parametrize("margin", [None, 3.0])
def test_without_updates_it_is_the_reconstruction(margin):
    found = explained(steex.Config(num_steps=0, margin=margin), of=frozen(noise=0.1))
    pictures = found.pictures
    np.testing.assert_array_equal(pictures["counterfactual"], pictures["reconstruction"])
    assert np.ptp(pictures["counterfactual"]) > 0
    for name in ("saliency", "region_change"):
        np.testing.assert_array_equal(getattr(found, name, found.numbers.get(name)), 0.0)
    np.testing.assert_array_equal(
        found.numbers["log_odds_after"], found.numbers["log_odds_reconstruction"]
    )
    assert found.numbers["objective"].shape == (4, 0)


def test_only_the_region_that_decides_changes_and_an_absent_one_stays_0(general):
    change = general.numbers["region_change"]
    assert (change[:, 0] > 0.1).all()
    np.testing.assert_array_equal(change[:, 1:], 0.0)  # no gradient at all
    np.testing.assert_allclose(general.numbers["region_share"], [[0.25] * 4 + [0.0]] * 4)
    difference = general.maps["difference"]
    np.testing.assert_array_equal(difference[:, SIZE // 2 :], 0.0)
    np.testing.assert_array_equal(general.maps["label_map"][..., 0], batch().regions)
    assert general.saliency[:, : SIZE // 2, : SIZE // 2].min() > 0.05


def test_the_minimum_is_the_one_of_a_single_number():
    """All colours of the region move alike: a line search over how far they move."""
    general = explained(dataclasses.replace(QUICK, num_steps=400, learning_rate=0.02))
    before = general.numbers["log_odds_before"]
    toward = np.where(before >= 0, -1.0, 1.0)
    moves = np.linspace(0.0, 1.0, 20001)
    for row in range(4):
        gained = toward[row] * before[row] + 20.0 * moves
        value = np.logaddexp(0.0, -gained) + 0.5 * 3 * moves**2
        wanted = moves[value.argmin()] * np.sqrt(3)
        assert general.numbers["region_change"][row, 0] == pytest.approx(wanted, abs=2e-3)


def test_targeted_at_another_region_nothing_flips_and_every_other_code_stays():
    found = explained(dataclasses.replace(QUICK, targeted=("lower left", "upper right")))
    before, after = found.numbers["log_odds_before"], found.numbers["log_odds_after"]
    assert ((before >= 0) == (after >= 0)).all()
    np.testing.assert_array_equal(found.numbers["region_change"][:, [0, 3, 4]], 0.0)
    np.testing.assert_array_equal(found.saliency[:, : SIZE // 2, : SIZE // 2], 0.0)


def test_outside_of_what_may_change_a_restored_picture_is_the_picture():
    cfg = dataclasses.replace(QUICK, targeted=("upper left",), restored=True)
    rows = batch()
    found = explained(cfg, rows=rows)
    outside = np.asarray(rows.regions) != 0
    made, own = found.pictures["counterfactual"], np.asarray(rows.images)
    np.testing.assert_array_equal(made[outside], own[outside])
    np.testing.assert_array_equal(made[~outside], found.pictures["generated"][~outside])
    assert abs(found.pictures["generated"][outside] - own[outside]).max() > 0.1


def test_a_distance_that_weighs_all_gives_the_reconstruction():
    cfg = dataclasses.replace(QUICK, distance_weight=1e6, learning_rate=1e-4)
    found = explained(cfg)
    made, begun = found.pictures["counterfactual"], found.pictures["reconstruction"]
    np.testing.assert_allclose(made, begun, atol=1e-3)


def test_a_picture_that_has_its_margin_changes_no_more():
    cfg = dataclasses.replace(QUICK, margin=2.0, distance_weight=0.0)
    rows = batch()
    dark = jnp.array([1.0, 1.0, 0.6, 0.2])[:, None, None, None]
    found = explained(cfg, rows=dataclasses.replace(rows, images=dark * rows.images))
    gained = found.numbers["gained"]
    first = (gained >= 2.0).argmax(axis=1)
    assert (first > 0).all() and len(set(first.tolist())) > 1
    for row, step in enumerate(first):
        np.testing.assert_array_equal(gained[row, step:], gained[row, step])
        after = abs(
            found.numbers["log_odds_after"][row]
        )  # asked outside of the loop: other rounding
        assert after == pytest.approx(gained[row, step], rel=1e-5)


def test_a_reconstruction_that_already_flips_is_said_to():
    """Brightness that the codes do not hold: the generator draws a quadrant darker than it is."""
    own = frozen()
    darker = flat_regions.flat(0.0)
    darker = darker.replace(encode_fn=half_as_bright)
    found = explained(of=own.replace(generator=darker))
    np.testing.assert_array_equal(found.numbers["reconstruction_flips"], [1.0, 0.0, 0.0, 0.0])


def half_as_bright(params, context):
    return 0.5 * flat_regions._encode(params, context)


def test_a_saturated_classifier_gives_numbers():
    found = explained(of=frozen(gain=1e4))
    for name, values in found.named().items():
        assert np.isfinite(values).all(), name


def test_of_a_softmax_the_explained_class_is_left_or_reached():
    rows = dataclasses.replace(batch(), target=jnp.array([0, 1, 0, 1]))
    found = explained(of=frozen(head=Head.SOFTMAX), rows=rows)
    before, after = found.numbers["log_odds_before"], found.numbers["log_odds_after"]
    assert ((before >= 0) != (after >= 0)).all() and before[0] > 0 and before[1] > 0
    assert (found.numbers["region_change"][:, :2] > 0.05).all()


def test_of_a_sigmoid_the_second_class_is_turned_by_what_decides_that_one():
    rows = dataclasses.replace(batch(), target=jnp.ones(4, jnp.int32))
    found = explained(rows=rows)
    right = np.asarray(rows.images)[:, : SIZE // 2, SIZE // 2 :].mean((1, 2, 3))
    before, after = found.numbers["log_odds_before"], found.numbers["log_odds_after"]
    np.testing.assert_allclose(before, 20.0 * (right - 0.5), rtol=1e-4)
    assert (before * after < 0).all() and (found.numbers["region_change"][:, 1] > 0.1).all()
    np.testing.assert_array_equal(found.numbers["region_change"][:, [0, 2, 3, 4]], 0.0)


@pytest.mark.parametrize("cfg", [steex.Config, steex.Sparsest])
def test_a_picture_alone_is_explained_as_in_company_whenever_the_others_settle(cfg):
    rows, of = batch(), frozen(noise=0.3)
    cfg = cfg(num_steps=20, learning_rate=0.05, margin=1.0, distance_weight=0.1, fresh_noise=True)
    company = explained(cfg, of=of, rows=rows)
    alone = explained(cfg, of=of, rows=planted.take(rows, slice(2, 3)))
    for name, values in alone.named().items():
        other = company.named()[name][2:3]
        np.testing.assert_allclose(values, other, rtol=1e-3, atol=1e-3, err_msg=name)


def test_fresh_noise_differs_from_step_to_step_and_follows_the_picture():
    cfg = dataclasses.replace(QUICK, num_steps=4, fresh_noise=True, learning_rate=1e-6)
    found = explained(cfg, of=frozen(noise=0.3))
    assert (np.ptp(found.numbers["gained"], axis=1) > 1e-3).all()
    # Reconstruction and counterfactual have the same noise: no difference is of it.
    assert abs(found.maps["difference"]).max() < 1e-4 < abs(found.pictures["generated"]).max()
    still = explained(dataclasses.replace(cfg, fresh_noise=False), of=frozen(noise=0.3))
    assert (np.ptp(still.numbers["gained"], axis=1) < 1e-3).all()


def test_a_picture_that_has_settled_is_drawn_with_the_noise_under_which_it_did():
    """The noise alone moves the log-odds by more than a step does."""
    how = {"margin": 2.0, "fresh_noise": True, "num_steps": 40, "distance_weight": 0.0}
    of = frozen(gain=100.0, noise=0.5)
    found = explained(dataclasses.replace(QUICK, **how), of=of)
    gained, after = found.numbers["gained"], found.numbers["log_odds_after"]
    reached = gained[:, -1] >= 2.0
    assert reached.any() and (gained[:, 0] < 2.0).all()
    toward = np.where(found.numbers["log_odds_before"] >= 0, -1.0, 1.0)
    np.testing.assert_allclose((toward * after)[reached], gained[reached, -1], rtol=1e-3)
    alone = explained(steex.Sparsest(**how, learning_rate=0.05, restored=False), of=of)
    settled = alone.numbers["gained_alone"][:, 0] >= 2.0 - 1e-3
    np.testing.assert_array_equal(settled, reached)


def test_what_the_reconstruction_gains_by_itself_can_be_taken_off():
    """The generator draws the first picture so much darker that it is decided otherwise."""
    own = frozen()
    of = own.replace(generator=flat_regions.flat(0.0).replace(encode_fn=half_as_bright))
    cfg = dataclasses.replace(QUICK, corrected=True, distance_weight=0.0, margin=0.5, num_steps=100)
    found = explained(cfg, of=of)
    before, after = found.numbers["log_odds_before"], found.numbers["log_odds_after"]
    begun = found.numbers["log_odds_reconstruction"]
    toward = np.where(before >= 0, -1.0, 1.0)
    credit = np.maximum(toward * (begun - before), 0.0)
    assert credit[0] > 5.0 and toward[0] * begun[0] > 0.5  # by itself it would be there at once
    np.testing.assert_allclose(found.numbers["gained"][:, 0], toward * begun - credit, rtol=1e-4)
    assert (toward * after - credit >= 0.5 - 1e-4).all()
    assert (found.numbers["region_change"][:, 0] > 0.1).all()
    plain = explained(dataclasses.replace(cfg, corrected=False), of=of)
    assert plain.numbers["region_change"][0, 0] == 0.0


def ask(**changes):
    rows = batch(2)
    own = frozen()
    given = {
        "method": QUICK,
        "generator": own.generator,
        "regions": np.asarray(rows.regions),
        "target": 0,
    } | changes
    return xai_jax.explain(own.classifier, np.asarray(rows.images), **given)


def test_it_explains_by_the_public_call():
    found = ask()
    assert found.pictures["counterfactual"].shape == (2, SIZE, SIZE, 3)
    assert (found.numbers["log_odds_after"] * found.numbers["log_odds_before"] < 0).all()


def test_each_piece_of_a_region_can_be_targeted_by_itself():
    """The upper left quadrant and the lower right one are one class, and do not touch."""
    split = Components(at_most=2).build(("diagonal", "rest"))
    generator = flat_regions.flat(0.0, split.names).replace(split=split)
    quadrants = np.asarray(batch(2).regions)
    maps = np.where((quadrants == 0) | (quadrants == 3), 0, 1)
    given = {"generator": generator, "regions": maps}
    both = ask(**given)
    assert both.numbers["region_change"].shape == (2, 4)
    np.testing.assert_array_equal(np.unique(both.maps["label_map"]), [0, 1, 2, 3])
    assert (both.numbers["region_change"][:, 0] > 0.1).all()  # and it alone: the upper left decides
    np.testing.assert_array_equal(both.numbers["region_change"][:, 1:], 0.0)
    found = ask(method=dataclasses.replace(QUICK, targeted=("diagonal 2",)), **given)
    before, after = found.numbers["log_odds_before"], found.numbers["log_odds_after"]
    np.testing.assert_allclose(before, after, atol=1e-3)
    piece = dataclasses.replace(QUICK, targeted=("rest", "rest 2"))
    ask(method=piece, **given | {"regions": np.where(quadrants == 1, 1, 0)})  # has one of them
    with pytest.raises(ValueError, match="generator's regions are 0 to 1"):  # not those of pieces
        ask(generator=generator, regions=maps + 2)


def with_a_dot():
    """The label maps, with one pixel of the region that was nowhere, in an odd row and column."""
    return np.asarray(batch(2).regions.at[:, 1, 1].set(4))


@pytest.mark.parametrize(
    "changes, sentence",
    [
        (
            {
                "method": steex.Config(targeted=("upper left", "nowhere")),
                "generator": flat_regions.flat().replace(stride=2),
                "regions": with_a_dot(),
            },
            "It has too little of nowhere for the generator, which reads one of 2 rows and "
            "columns; that sees upper left, upper right, lower left, lower right[.]",
        ),
        ({"generator": None}, "moves the codes of a generator, and there is none"),
        ({"regions": None}, "It has no label map"),
        ({"regions": np.full((2, SIZE, SIZE), 7)}, "the number 7, and the generator's regions are"),
        ({"regions": np.zeros((2, 8, 8), int)}, "regions must be"),
        (
            {"regions": np.zeros((2, SIZE, SIZE), np.float32)},
            "regions must be whole numbers, int32 say, not float32[.]",
        ),
        ({"regions": np.full((2, SIZE, SIZE), np.nan)}, "must be whole numbers, .* not float64"),
        ({"regions": np.zeros((2, SIZE, SIZE), bool)}, "must be whole numbers, .* not bool"),
        ({"method": steex.Config(targeted=("upper lef",))}, "no region 'upper lef'; did you mean"),
        (
            {"method": steex.Config(targeted=("nowhere",))},
            "It has no nowhere; it has upper left, upper right, lower left, lower right",
        ),
        (
            {"method": steex.Config(targeted=("upper left", "nowhere"))},
            "It has no nowhere; it has upper left, upper right, lower left, lower right",
        ),
        ({"generator": flat_regions.flat().replace(region_names=("a",))}, r"\[2 1 d\]"),
        ({"generator": flat_regions.flat().replace(region_names=())}, "no region_names"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask(**changes)


def test_a_method_without_label_maps_says_so_at_the_latest_when_it_is_traced():
    with pytest.raises(ValueError, match="label map of each picture"):
        regions.of_batch(dataclasses.replace(batch(), regions=None))
