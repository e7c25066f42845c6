"""BBMP against its formulas in NumPy and SciPy, and on planted evidence."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.ndimage
import scipy.special

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.infills.constant import Constant
from xai_jax.infills.noise import RandomColour
from xai_jax.methods import bbmp
from xai_jax.methods.bbmp import frame, mask, method

SIZE = 32


def frozen_quadrants(infill=None) -> Frozen:
    classifier = planted.quadrant()
    infill = infill or Constant(value=planted.DARK)
    return Frozen(classifier=classifier, infill=infill.build(classifier))


def explain(cfg, frozen, batch, seed=0):
    run = cfg.build().explain
    return jax.jit(lambda frozen, batch, key: run((), frozen, batch, key))(
        frozen, batch, jax.random.key(seed)
    )


def pictures(num=4):
    return planted.quadrant_batch(num, SIZE, jax.random.key(0))


def test_the_nearest_mask_is_blocks_blurred_as_scipy_does():
    grid = jax.random.uniform(jax.random.key(0), (2, 7, 7, 1))
    keep = mask.keep_mask(grid, (56, 56), bbmp.Upsampling.NEAREST, 3.0, True)
    for row in range(2):
        blocks = np.kron(np.asarray(grid[row, :, :, 0], np.float64), np.ones((8, 8)))
        expected = scipy.ndimage.gaussian_filter(blocks, 3.0, mode="mirror", truncate=4.0)
        np.testing.assert_allclose(keep[row, :, :, 0], expected, atol=1e-5)


def test_pixels_that_are_no_multiple_of_the_cells_go_to_the_cell_they_lie_in():
    grid = jnp.arange(9.0).reshape(1, 3, 3, 1) / 9
    wide = mask.upsampled(grid, (3, 7), bbmp.Upsampling.NEAREST)
    # Cell edges at 7/3 and 14/3 pixels: pixels 0 1 2 | 3 4 | 5 6 start in cells 0, 1, 2.
    np.testing.assert_allclose(wide[0, 0, :, 0] * 9, [0, 0, 0, 1, 1, 2, 2], atol=1e-6)


def test_the_bilinear_mask_puts_the_corner_cells_on_the_corner_pixels():
    grid = jax.random.uniform(jax.random.key(1), (1, 4, 4, 1))
    keep = mask.keep_mask(grid, (13, 13), bbmp.Upsampling.BILINEAR, 0.0, False)
    expected = scipy.ndimage.zoom(np.asarray(grid[0, :, :, 0], np.float64), 13 / 4, order=1)
    np.testing.assert_allclose(keep[0, :, :, 0], expected, atol=1e-6)


def pulled(skip: bool, pull: jax.Array) -> jax.Array:
    def total(grid):
        return (mask.keep_mask(grid, (40, 40), bbmp.Upsampling.NEAREST, 2.0, skip) * pull).sum()

    return jax.grad(total)(jnp.full((1, 5, 5, 1), 0.5))[0, :, :, 0]


def test_the_authors_gradient_of_a_cell_is_the_sum_over_its_own_pixels():
    pull = jax.random.normal(jax.random.key(2), (1, 40, 40, 1))
    expected = np.asarray(pull, np.float64).reshape(5, 8, 5, 8).sum(axis=(1, 3))
    np.testing.assert_allclose(pulled(True, pull), expected, atol=1e-4)


def test_the_clean_gradient_goes_through_the_blur():
    pull = jnp.zeros((1, 40, 40, 1)).at[0, 20, 23].set(1.0)  # one pixel, far from the border
    point = np.zeros((40, 40))
    point[20, 23] = 1.0
    spread = scipy.ndimage.gaussian_filter(point, 2.0, mode="mirror", truncate=4.0)
    expected = spread.reshape(5, 8, 5, 8).sum(axis=(1, 3))
    np.testing.assert_allclose(pulled(False, pull), expected, atol=1e-6)


@pytest.mark.parametrize("game", list(bbmp.Game))
@pytest.mark.parametrize("priced", list(bbmp.Priced))
def test_the_objective_is_the_score_plus_the_prices_of_area_and_variation(game, priced):
    cfg = bbmp.Config(
        game=game,
        priced=priced,
        grid=8,
        mask_blur=0.0,
        jitter=0,
        num_steps=1,
        learning_rate=0.0,
        area_weight=0.01,
    )
    frozen, batch = frozen_quadrants(), pictures()
    explanation = explain(cfg, frozen, batch)
    keep = np.asarray(explanation.keep, np.float64)
    grid = keep[:, ::4, ::4, 0]
    composite = keep * batch.images + (1 - keep) * planted.DARK
    logits = np.asarray(frozen.classifier.logits(jnp.asarray(composite, jnp.float32)), np.float64)
    score = scipy.special.softmax(logits, axis=1)[np.arange(4), batch.target]
    down = np.diff(grid, axis=1, append=grid[:, -1:])
    across = np.diff(grid, axis=2, append=grid[:, :, -1:])
    variation = ((down**2 + across**2) ** 1.5).sum(axis=(1, 2))
    paid = grid if game is bbmp.Game.PRESERVE else 1 - grid
    area = paid.sum(axis=(1, 2)) * (
        16 if priced is bbmp.Priced.PIXELS else 1
    )  # 4 x 4 pixels a cell
    sign = 1 if game is bbmp.Game.DELETE else -1
    trace = explanation.numbers
    np.testing.assert_allclose(trace["score"][:, 0], score, rtol=1e-5)
    np.testing.assert_allclose(trace["penalty"][:, 0], 0.01 * area + 0.01 * variation, rtol=1e-4)
    np.testing.assert_allclose(
        trace["objective"][:, 0], sign * score + 0.01 * area + 0.01 * variation, rtol=1e-4
    )


def _ramp_logits(params, images):
    del params
    return images.mean(axis=(1, 2)) * jnp.arange(1.0, 8.0)  # 7 classes; channels hold their order


def test_the_top_five_score_sums_the_likeliest_classes_of_the_clean_picture():
    classifier = Classifier.from_callable(_ramp_logits)
    frozen = Frozen(classifier=classifier, infill=Constant().build(classifier))
    batch = dataclasses.replace(pictures(1), images=jnp.ones((1, 8, 8, 7)))
    score = method._score(bbmp.Config(score=bbmp.Score.TOP_FIVE), frozen, batch)
    other = jnp.ones((1, 8, 8, 7)) * jnp.arange(7.0)[::-1]  # now other classes lead
    shares = scipy.special.softmax(np.arange(1.0, 8.0) * np.arange(7.0)[::-1])
    np.testing.assert_allclose(score(other), [shares[2:].sum()], rtol=1e-5)


def test_the_log_odds_score_is_the_classifiers():
    frozen, batch = frozen_quadrants(), pictures()
    score = method._score(bbmp.Config(score=bbmp.Score.LOG_ODDS), frozen, batch)
    np.testing.assert_allclose(
        score(batch.images), frozen.classifier.log_odds(batch.images, batch.target)
    )


def test_the_jittered_window_starts_at_every_corner_from_0_to_3():
    keys = jax.random.split(jax.random.key(0), 400)
    corners = np.asarray(frame.corners(4, keys))
    assert set(map(tuple, corners)) == {(y, x) for y in range(4) for x in range(4)}


def test_a_window_is_a_slice_of_the_frame_of_each_picture():
    frames = jax.random.uniform(jax.random.key(0), (2, 12, 12, 3))
    found = frame.window(frames, jnp.array([[0, 3], [2, 1]]), (8, 8))
    np.testing.assert_array_equal(found[0], frames[0, :8, 3:11])
    np.testing.assert_array_equal(found[1], frames[1, 2:10, 1:9])


def _hole(params, images, keep, keys):
    del params, keys
    return jnp.broadcast_to(1.0 - keep, images.shape)


def _darkness(images):
    return images.mean(axis=(1, 2, 3))


@pytest.mark.parametrize("jitter", [0, 4])
def test_the_hole_that_the_infill_sees_lies_where_the_mask_lies_in_the_jittered_picture(jitter):
    frozen = dataclasses.replace(frozen_quadrants(), infill=Infill.from_callable(_hole))
    batch = dataclasses.replace(pictures(2), images=jnp.zeros((2, SIZE, SIZE, 3)))
    cfg = bbmp.Config(grid=8, mask_blur=0.0, jitter=jitter)
    keys = example_keys(jax.random.key(0), batch.image_id)
    objective = method._objective(cfg, frozen, batch, _darkness, keys)
    grid = jax.random.bernoulli(jax.random.key(1), 0.5, (2, 8, 8, 1)) * 0.5 + 0.5
    for step in range(3):
        # On black pictures (1 - keep) * hole is 1 - keep, unless the hole is displaced.
        terms = jax.jit(objective)(grid, step)[1]
        np.testing.assert_allclose(terms["score"], 1 - grid.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_jitter_moves_the_picture_at_each_step_and_none_leaves_it():
    cfg = bbmp.Config(grid=8, initial=bbmp.Initial.ONES, learning_rate=0.0, num_steps=6)
    still = dataclasses.replace(cfg, jitter=0, score=bbmp.Score.LOG_ODDS)
    moved = dataclasses.replace(cfg, score=bbmp.Score.LOG_ODDS)
    np.testing.assert_array_equal(
        np.ptp(explain(still, frozen_quadrants(), pictures()).numbers["score"], axis=1), 0
    )
    assert np.ptp(explain(moved, frozen_quadrants(), pictures()).numbers["score"], axis=1).min() > 0


def test_the_warm_up_of_fidos_variant_is_free_at_the_first_step_only():
    cfg = dataclasses.replace(bbmp.Config.fido(), grid=8, num_steps=3, learning_rate=0.0)
    penalty = explain(cfg, frozen_quadrants(), pictures(1)).numbers["penalty"][0]
    np.testing.assert_allclose(penalty, [0.0, 5e-3 * 224**2, 5e-3 * 224**2], rtol=1e-5)


@pytest.mark.parametrize("upsampling", list(bbmp.Upsampling))
@pytest.mark.parametrize(("blur", "skip"), [(0.0, False), (2.0, False), (2.0, True)])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_the_mask_has_its_full_slope_where_runs_start_and_end(upsampling, blur, skip, start):
    def total(grid):
        return (mask.keep_mask(grid, (40, 40), upsampling, blur, skip) * pull).sum()

    pull = jax.random.normal(jax.random.key(2), (1, 40, 40, 1))
    slope = jax.grad(total)
    inside = slope(jnp.full((1, 5, 5, 1), 0.5))  # the mask is linear in the cells
    np.testing.assert_allclose(slope(jnp.full((1, 5, 5, 1), start)), inside, atol=1e-5)


@pytest.mark.parametrize("game", list(bbmp.Game))
@pytest.mark.parametrize("priced", list(bbmp.Priced))
def test_the_l1_price_of_cells_has_no_slope_where_nothing_is_paid_that_of_pixels_has(game, priced):
    cfg = bbmp.Config(game=game, priced=priced, grid=8, mask_blur=0.0, jitter=0, area_weight=0.5)
    batch, nothing_paid = pictures(1), float(game is bbmp.Game.DELETE)
    keys = example_keys(jax.random.key(0), batch.image_id)
    objective = method._objective(
        cfg, frozen_quadrants(), batch, lambda images: 0.0 * _darkness(images), keys
    )
    slope = jax.grad(lambda grid: objective(grid, 0)[0].sum())
    sign = -1 if game is bbmp.Game.DELETE else 1
    per_cell = sign * 0.5 * (16 if priced is bbmp.Priced.PIXELS else 1)
    at = lambda value: slope(jnp.full((1, 8, 8, 1), value))  # noqa: E731
    np.testing.assert_allclose(at(0.5), per_cell, rtol=1e-5)
    paid_at_once = per_cell if priced is bbmp.Priced.PIXELS else 0.0
    np.testing.assert_allclose(at(nothing_paid), paid_at_once, rtol=1e-5)


@pytest.mark.parametrize(
    ("radius", "low", "high"), [(5.0, 0.14, 1.0), (10.0, 0.12, 1.0), (150.0, 0.0, 0.86)]
)
def test_the_disc_is_stretched_before_its_cells_are_read_as_the_authors_resize_does(
    radius, low, high
):
    grid = 1.0 - mask.cells_of(mask.removed_disc(jnp.float32(radius), (224, 224)), 28)
    np.testing.assert_allclose([grid.min(), grid.max()], [low, high], atol=0.006)


def test_the_disc_is_chosen_by_the_probability_of_the_target_whatever_the_score():
    frozen, batch = frozen_quadrants(), pictures()
    cells = [
        method._initial(
            dataclasses.replace(bbmp.Config.localisation(), score=score, grid=8),
            frozen,
            batch,
            example_keys(jax.random.key(0), batch.image_id),
        )
        for score in bbmp.Score
    ]
    for grid in cells[1:]:
        np.testing.assert_array_equal(grid, cells[0])


def test_the_rate_of_fidos_variant_falls_linearly_to_zero_after_the_last_update():
    rate = method._learning_rate(dataclasses.replace(bbmp.Config.fido(), num_steps=5))
    np.testing.assert_allclose(
        [rate(i) for i in range(5)], [0.05, 0.04, 0.03, 0.02, 0.01], atol=1e-8
    )


def test_the_discs_of_the_circular_start_reach_from_nothing_to_the_whole_picture():
    radii = mask.disc_radii((112, 112))
    np.testing.assert_allclose(radii[[0, 1, -1]], [0.0, 2.5, 85.0])  # half of 0, 5 and 170
    assert float(mask.removed_disc(jnp.float32(radii[0]), (112, 112)).max()) == 0.0
    np.testing.assert_allclose(
        mask.removed_disc(jnp.float32(radii[-1]), (112, 112)), 1.0, atol=1e-5
    )
    half = mask.removed_disc(jnp.float32(40.0), (112, 112))[0, :, :, 0]
    distance = np.hypot(*np.meshgrid(*(np.arange(112) - 56,) * 2))
    expected = scipy.ndimage.gaussian_filter((distance < 40).astype(float), 5.0, truncate=4.0)
    np.testing.assert_allclose(half, expected, atol=1e-5)


def _middle_logits(params, images):
    """Two classes; the first one sees the middle 16 x 16 pixels."""
    del params
    seen = images[:, 8:24, 8:24].mean(axis=(1, 2, 3))
    return jnp.stack([20.0 * seen, jnp.full_like(seen, 10.0)], axis=1)


def test_the_circular_start_removes_the_smallest_disc_that_loses_99_percent_of_the_score():
    classifier = Classifier.from_callable(_middle_logits)
    frozen = Frozen(classifier=classifier, infill=Constant(value=0.0).build(classifier))
    batch = dataclasses.replace(
        pictures(1), images=jnp.ones((1, SIZE, SIZE, 3)), target=jnp.zeros(1, jnp.int32)
    )
    cfg = bbmp.Config(
        grid=8, initial=bbmp.Initial.CIRCLE, mask_blur=0.0, learning_rate=0.0, num_steps=1
    )
    distance = np.hypot(*np.meshgrid(*(np.arange(SIZE) - 16,) * 2))
    softness = 10 * SIZE / 224

    def score(keep):
        return scipy.special.expit(20 * keep[8:24, 8:24].mean() - 10)

    for radius in np.arange(0, 171, 5) * SIZE / 224:
        disc = scipy.ndimage.gaussian_filter(
            (distance < radius).astype(float), softness, mode="reflect", radius=6
        )
        none = score(np.zeros((SIZE, SIZE)))
        if (score(1 - disc) - none) / (score(np.ones((SIZE, SIZE))) - none) < 0.01:
            break
    keep = explain(cfg, frozen, batch).keep[0, ::4, ::4, 0]
    stretched = (disc - disc.min()) / (disc.max() - disc.min())
    np.testing.assert_allclose(keep, (1 - stretched)[2::4, 2::4], atol=1e-4)


@pytest.mark.parametrize("game", list(bbmp.Game))
def test_planted_evidence_is_found_and_the_polarity_is_the_games(game):
    batch = pictures()
    cfg = dataclasses.replace(
        bbmp.Config.fido(), grid=16, game=game, area_weight=0.02, num_steps=150
    )
    explanation = explain(cfg, frozen_quadrants(), batch)
    evidence = planted.quadrant_maps(batch.target, SIZE)
    share = (explanation.saliency * evidence).sum((1, 2, 3)) / explanation.saliency.sum((1, 2, 3))
    # Removing or keeping a pixel outside the quadrant costs area and gains nothing; the mask is
    # bilinear on 16 cells, whose edge takes a pixel or two of the neighbours.
    np.testing.assert_array_less(0.9, share)
    goal = 1 - evidence if game is bbmp.Game.DELETE else evidence
    np.testing.assert_array_less(jnp.abs(explanation.keep - goal).mean(axis=(1, 2, 3)), 0.05)


def test_the_authors_setting_loses_the_class_by_removing_its_quadrant():
    batch = pictures()
    cfg = bbmp.Config(grid=8, mask_blur=1.0, num_steps=100)
    explanation = explain(cfg, frozen_quadrants(), batch)
    assert (explanation.numbers["score"][:, 0] > 0.9).all()
    assert (explanation.numbers["score"][:, -1] < 0.25).all()  # no more than chance of four classes
    evidence = planted.quadrant_maps(batch.target, SIZE)
    share = (explanation.saliency * evidence).sum((1, 2, 3)) / explanation.saliency.sum((1, 2, 3))
    np.testing.assert_array_less(0.7, share)


def test_an_image_is_explained_alike_alone_and_in_company():
    frozen, batch = frozen_quadrants(RandomColour()), pictures(3)
    cfg = dataclasses.replace(bbmp.Config.smoke(), num_steps=10)
    company = explain(cfg, frozen, batch)
    alone = explain(cfg, frozen, planted.take(batch, slice(2, 3)))
    np.testing.assert_allclose(company.keep[2], alone.keep[0], atol=1e-4)
    assert (
        float(jnp.abs(company.keep[1] - alone.keep[0]).max()) > 0.01
    )  # another image, other noise


def test_the_defaults_are_the_authors_and_so_are_the_presets():
    cfg = bbmp.Config()
    assert (cfg.grid, cfg.num_steps, cfg.learning_rate) == (28, 300, 0.1)
    assert (cfg.variation_weight, cfg.variation_power) == (1e-2, 3.0)
    assert cfg.skip_blur_gradient  # for what is in pixels see tests/core/test_lengths.py
    assert (cfg.game, cfg.score) == (bbmp.Game.DELETE, bbmp.Score.PROBABILITY)
    found = bbmp.Config.localisation()
    assert (found.area_weight, found.variation_power) == (1e-3, 2.0)
    assert (found.score, found.initial) == (bbmp.Score.TOP_FIVE, bbmp.Initial.CIRCLE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": 1}, "grid must be a whole number of at least 2"),
        ({"num_steps": 0}, "num_steps must be a whole number of at least 1"),
        ({"jitter": -1}, "jitter must be a whole number of at least 0"),
        (
            {"initial": bbmp.Initial.CIRCLE, "game": bbmp.Game.PRESERVE},
            "to preserve, use Initial.ONES",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(changes, message):
    with pytest.raises(ValueError, match=message):
        bbmp.Config(**changes).build()


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (224, 224)])
def test_a_disc_is_removed_once_at_most(size):
    for radius in mask.disc_radii(size):
        disc = mask.removed_disc(jnp.float32(radius), size)
        assert disc.min() >= 0.0 and disc.max() <= 1.0
