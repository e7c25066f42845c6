"""Scores of counterfactuals by regions, worked by hand."""

import dataclasses

import flat_regions
import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.components import Components
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics.region_effects import region_effects
from xai_jax.metrics.regions import diversity, flips_alone, leaked, region_changes

LABELS = jnp.array([[[0, 0], [1, 2]], [[0, 1], [1, 1]]])  # [2 2 2]
NAMES = ("sky", "road", "car")
SHARES = jnp.array([[0.5, 0.25, 0.25], [0.25, 0.75, 0.0]])  # of LABELS
FROZEN = Frozen(classifier=planted.quadrant(), infill=Constant(value=0.5).build(planted.quadrant()))
BATCH = Batch(
    images=jnp.zeros((2, 2, 2, 3)),
    target=jnp.zeros(2, int),
    image_id=None,
    weight=None,
    regions=LABELS,
)


def test_what_changes_outside_of_the_moved_regions_leaks():
    off = jnp.array([[[1.0, -1.0], [2.0, 4.0]], [[3.0, 0.0], [0.0, 0.0]]])[..., None]
    moved = jnp.array([[True, False, True], [False, True, False]])
    # The first: 2 of 8 lie in region 1; the second: all of it in region 0, which did not move.
    np.testing.assert_allclose(leaked(off, LABELS, moved), [0.25, 1.0])
    np.testing.assert_array_equal(leaked(0 * off, LABELS, moved), [0.0, 0.0])


def said(**numbers):
    images = jnp.zeros((2, 2, 2, 3))
    found = {
        "region_change": jnp.array([[0.1, 0.3, 0.0], [0.5, 0.4, 0.1]]),
        "region_share": SHARES,
    } | numbers
    pictures = {"generated": images + 0.5, "reconstruction": images + 0.25}
    return Explanation(target=jnp.zeros(2, int), saliency=None, pictures=pictures, numbers=found)


def measured(explanation, decides="road"):
    metric = region_changes(NAMES, decides)
    rows = metric.measure(None, FROZEN, BATCH, explanation, jax.random.key(0))
    assert {row.name for row in metric.rows} == set(rows)
    assert {column.name for column in metric.columns} == set(rows)
    return {name: np.asarray(values).tolist() for name, values in rows.items()}


def test_which_region_is_named_and_how_far_the_codes_move():
    rows = measured(said())
    assert rows["names_it"] == [1.0, 0.0]
    assert rows["code_distance"] == pytest.approx([10**-0.5, 0.42**0.5])
    assert rows["changed_regions"] == [2.0, 3.0]
    assert rows["share_of_change"] == pytest.approx([0.75, 0.4])
    assert rows["reconstruction_l1"] == [0.25, 0.25] and rows["leaks"][0] == pytest.approx(0.25)


def test_nothing_is_named_where_nothing_moves_or_nobody_knows_what_decides():
    still = jnp.array([[0.0, 0.0, 0.0], [0.5, 0.4, 0.1]])
    rows = measured(said(region_change=still))
    assert np.isnan([rows["names_it"][0], rows["share_of_change"][0]]).all()
    assert rows["names_it"][1] == 0.0 and rows["code_distance"][0] == 0.0
    rows = measured(said(), decides=None)
    assert np.isnan(rows["names_it"] + rows["share_of_change"]).all()
    assert rows["changed_regions"] == [2.0, 3.0]


def test_a_picture_without_the_region_that_decides_counts_neither_way():
    rows = measured(said(), decides="car")
    np.testing.assert_array_equal(rows["names_it"], [0.0, np.nan])
    np.testing.assert_array_equal(rows["share_of_change"], [0.0, np.nan])


def test_a_method_without_regions_is_refused():
    nothing = Explanation(target=None, saliency=None)
    with pytest.raises(ValueError, match="changes no regions"):
        region_changes(NAMES).measure(None, FROZEN, BATCH, nothing, jax.random.key(0))


def test_each_region_alone_has_a_column():
    metric = flips_alone(("sky", "traffic light"))
    found = said(
        gained_alone=jnp.array([[0.5, 2.0], [-3.0, 0.7], [0.5, 0.0]]),
        already_alone=jnp.array([[0.1, -0.1], [-4.0, 0.7], [-0.1, 0.0]]),
        region_share=jnp.array([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8]]),
    )
    rows = metric.measure(None, FROZEN, BATCH, found, jax.random.key(0))
    wanted = {  # the second picture has no traffic light; the first sky had flipped already
        "flips_by_sky": [1.0, 0.0, 1.0],
        "flips_by_traffic_light": [1.0, np.nan, 0.0],
        "newly_flips_by_sky": [0.0, 0.0, 1.0],
        "newly_flips_by_traffic_light": [1.0, np.nan, 0.0],
    }
    assert list(rows) == list(wanted) == [row.name for row in metric.rows]
    for name, values in wanted.items():
        np.testing.assert_array_equal(rows[name], values)
    means = metric.reduce({name: np.asarray(values) for name, values in rows.items()})
    assert list(means) == [column.name for column in metric.columns]
    assert list(means.values()) == pytest.approx([2 / 3, 1 / 2, 1 / 3, 1 / 2])
    with pytest.raises(ValueError, match="moves no region alone"):
        metric.measure(None, FROZEN, BATCH, said(), jax.random.key(0))
    with pytest.raises(ValueError, match="^Two of the regions car-2, road, car 2 would have one"):
        flips_alone(("car-2", "road", "car 2"))


def test_pieces_of_a_region_may_be_named_or_left_out():
    split = Components(at_most=2, of=("car",)).build(NAMES)
    pieces = dataclasses.replace(flat_regions.flat(names=split.names), split=split)
    frozen = dataclasses.replace(FROZEN, generator=pieces)
    found = said(
        region_change=jnp.array([[0.1, 0.3, 0.0, 0.2], [0.5, 0.4, 0.1, 0.0]]),
        region_share=jnp.full((2, 4), 0.25),
    )

    def named(names):
        metric = region_changes(names, "road")
        return metric.measure(None, frozen, BATCH, found, jax.random.key(0))["names_it"].tolist()

    assert named(NAMES) == named((*NAMES, "car 2")) == [1.0, 0.0]
    for names in (("sky", "car", "road"), (*NAMES, "car 3"), ("road", "car")):
        with pytest.raises(ValueError, match="the generator draws sky, road, car; name these, in"):
            named(names)


@pytest.mark.parametrize("of", [region_changes, region_effects])
def test_a_region_that_decides_and_is_none_is_refused(of):
    with pytest.raises(ValueError, match="^There is no region 'rod'; did you mean 'road'"):
        of(NAMES, "rod")


def test_diversity_is_the_mean_over_pairs_of_regions_that_flip():
    levels = jnp.broadcast_to(jnp.array([0.0, 0.5, 0.2, 0.9, 0.7]), (2, 5))
    pictures = jnp.broadcast_to(levels[..., None, None, None], (2, 5, 2, 2, 3))
    found = Explanation(
        target=None,
        saliency=None,
        pictures={"counterfactual_alone": pictures},
        numbers={
            "gained_alone": jnp.array([[0.1, 2.0, 1.0, 3.0, 2.0], [0.1, -1.0, -1.0, 3.0, 2.0]]),
            "already_alone": jnp.array([[-2.0, 0.0, -1.0, -1.0, 0.2]] * 2),  # the last flips by it
            "region_share": jnp.array([[0.2, 0.3, 0.4, 0.0, 0.1], [0.4, 0.2, 0.3, 0.0, 0.1]]),
        },
    )
    metric = diversity()
    rows = metric.measure(None, FROZEN, BATCH, found, jax.random.key(0))
    np.testing.assert_array_equal(rows["flipping_regions"], [3.0, 1.0])  # the fourth is nowhere
    # Levels 0, 0.5 and 0.2: the pairs lie 0.5, 0.2 and 0.3 apart.
    np.testing.assert_allclose(rows["diversity"], [1.0 / 3.0, np.nan], rtol=1e-6)
    with pytest.raises(ValueError, match="moves no region alone"):
        metric.measure(None, FROZEN, BATCH, said(), jax.random.key(0))
