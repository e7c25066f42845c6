"""Extremal perturbations against slow forms of their formulas, and on planted evidence."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.ndimage
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.optimise import optimise
from xai_jax.infills.constant import Mean
from xai_jax.methods import extremal
from xai_jax.methods.extremal import method
from xai_jax.methods.extremal.all_cells import all_at_once
from xai_jax.methods.extremal.geometry import Geometry, in_picture
from xai_jax.methods.extremal.momentum import dampened_sgd
from xai_jax.methods.extremal.pyramid import increments, perturbation_levels, perturbed
from xai_jax.methods.extremal.smooth_mask import by_axes, smooth_mask

SIZE = 32
SMALL = Geometry(image=(10, 14), step=4, sigma=8.0)
smooth = jax.jit(smooth_mask, static_argnums=1)


def frozen_quadrants() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier=classifier, infill=Mean().build(classifier))


def config(**changes) -> extremal.Config:
    """A short run. Quadrants are no mirror images of themselves, so nothing is mirrored."""
    cfg = extremal.Config(
        areas=(0.1, 0.2),
        perturbation=extremal.Perturbation.FADE,
        step=4,
        sigma=8.0,
        num_steps=60,
        area_growth=1.047,  # the last weight is that of the published 800 steps
        flip=False,
    )
    return dataclasses.replace(cfg, **changes)


def explain(cfg, frozen, batch):
    run = cfg.build().explain
    return jax.jit(lambda frozen, batch, key: run((), frozen, batch, key))(
        frozen, batch, jax.random.key(0)
    )


def slow_mask(grid: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The smooth maximum pixel by pixel, from the formula, in float64."""
    height, width = geometry.full
    result = np.zeros((height, width))
    side = range(geometry.window)
    for y in range(height):
        for x in range(width):
            values = []
            first_row = y // geometry.step - geometry.padding
            first_column = x // geometry.step - geometry.padding
            for row, column in itertools.product(side, side):
                row, column = first_row + row, first_column + column
                inside = 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]
                distance = math.hypot(
                    y - geometry.margin - geometry.step * row,
                    x - geometry.margin - geometry.step * column,
                )
                near = math.exp(-2 * max(distance / geometry.sigma - 0.5, 0) ** 2)
                values.append(grid[row, column] * near if inside else 0.0)
            share = np.exp(20 * np.array(values))
            result[y, x] = (values * share).sum() / share.sum()
    return result


def test_the_sizes_at_224_pixels_are_the_published_ones():
    geometry = Geometry(image=(224, 224), step=7, sigma=21.0)
    assert geometry.grid == (32, 32)
    assert geometry.window**2 == 81
    assert (geometry.margin, geometry.padding) == (21, 7)
    assert geometry.blocks == (38, 38)
    assert geometry.full == (260, 260)


def test_the_smooth_mask_is_the_formula_pixel_by_pixel():
    grid = np.random.default_rng(0).random((2, 1, *SMALL.grid, 1)).astype(np.float32)
    full = smooth(jnp.asarray(grid), SMALL)
    assert full.shape == (2, 1, *SMALL.full, 1)
    for row in range(2):
        expected = slow_mask(grid[row, 0, :, :, 0].astype(np.float64), SMALL)
        np.testing.assert_allclose(full[row, 0, :, :, 0], expected, atol=1e-5)


def dense_mask(grid: jax.Array, geometry: Geometry) -> jax.Array:
    """The same formula on all pixels and cells at once; slow, but JAX can differentiate it."""
    rows, columns = (np.arange(n) for n in geometry.full)
    cells_y, cells_x = (np.arange(n) for n in geometry.grid)
    padding, window, step = geometry.padding, geometry.window, geometry.step

    def sees(pixels, cells):
        behind = cells[None, :] - (pixels[:, None] // step - padding)
        return (behind >= 0) & (behind < window)

    dy = rows[:, None] - geometry.margin - step * cells_y[None, :]  # [y gy]
    dx = columns[:, None] - geometry.margin - step * cells_x[None, :]  # [x gx]
    distance = np.hypot(dy[:, None, :, None], dx[None, :, None, :]) / geometry.sigma
    near = np.exp(-2 * np.maximum(distance - 0.5, 0) ** 2)
    seen = sees(rows, cells_y)[:, None, :, None] & sees(columns, cells_x)[None, :, None, :]
    value = grid[None, None] * near
    share = jnp.where(seen, jnp.exp(20 * value), 0.0)
    outside = window**2 - seen.sum(axis=(2, 3))  # cells of value 0, each with exp(0)
    return (value * share).sum(axis=(2, 3)) / (share.sum(axis=(2, 3)) + outside)


def test_the_gradient_of_the_smooth_mask_is_that_of_the_plain_formula():
    rng = np.random.default_rng(1)
    grid = jnp.asarray(rng.random(SMALL.grid), jnp.float32)
    pull = jnp.asarray(rng.normal(size=SMALL.full), jnp.float32)
    expected = jax.grad(lambda g: (dense_mask(g, SMALL) * pull).sum())(grid)
    found = jax.grad(
        lambda g: (smooth_mask(g[None, None, :, :, None], SMALL)[0, 0, :, :, 0] * pull).sum()
    )(grid)
    np.testing.assert_allclose(found, expected, atol=2e-4 * float(jnp.abs(expected).max()))


@pytest.mark.parametrize("geometry", [SMALL, Geometry(image=(21, 17), step=3, sigma=10.0)])
def test_all_cells_at_once_are_the_cells_axis_by_axis(geometry):
    """What an accelerator computes, and what a CPU does."""
    rng = np.random.default_rng(2)
    cells = jnp.asarray(rng.random((3, *geometry.grid)), jnp.float32)
    (by, bx), step = geometry.blocks, geometry.step
    pull = jnp.asarray(rng.normal(size=(3, by, step, bx, step)), jnp.float32)
    found, expected = (
        jax.jit(jax.value_and_grad(lambda c, form=form: (form(c, geometry) * pull).sum()))(cells)
        for form in (all_at_once, by_axes)
    )
    masks = [form(cells, geometry) for form in (all_at_once, by_axes)]
    np.testing.assert_allclose(masks[0], masks[1], atol=1e-5)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)
    np.testing.assert_allclose(found[1], expected[1], atol=2e-4 * float(abs(expected[1]).max()))


def test_masks_of_one_batch_do_not_touch():
    grids = jax.random.uniform(jax.random.key(0), (3, 2, *SMALL.grid, 1))
    together = smooth(grids, SMALL)
    for row in range(3):
        alone = smooth(grids[row : row + 1, 1:], SMALL)
        np.testing.assert_allclose(together[row, 1], alone[0, 0], atol=1e-6)


def test_a_single_cell_lights_the_pixel_it_lies_on():
    grid = jnp.zeros((1, 1, *SMALL.grid, 1)).at[0, 0, 1, 2].set(1.0)
    mask = in_picture(smooth(grid, SMALL), SMALL)
    assert mask.shape == (1, 1, 10, 14, 1)
    rows, columns = np.nonzero(np.asarray(mask[0, 0, :, :, 0]) > 0.99 * float(mask.max()))
    assert (rows.mean(), columns.mean()) == (4.0, 8.0)  # step 4 times cell (1, 2)


def test_a_reach_that_leaves_pixels_without_cells_is_refused():
    with pytest.raises(ValueError, match="choose sigma = 21"):
        Geometry(image=(224, 224), step=7, sigma=10.0)


def test_the_blur_pyramid_is_scipys_blur_with_zeros_beyond_the_border():
    images = np.random.default_rng(0).random((1, 24, 30, 3)).astype(np.float32)
    levels = perturbation_levels(jnp.asarray(images), extremal.Perturbation.BLUR, 3, 4.0)
    np.testing.assert_array_equal(levels[:, 2], images)
    for level, sigma in ((0, 4.0), (1, 2.0)):
        blur = scipy.ndimage.gaussian_filter(
            images[0].astype(np.float64), (sigma, sigma, 0), mode="constant", radius=int(4 * sigma)
        )
        np.testing.assert_allclose(levels[0, level], blur, atol=1e-6)


def test_the_fade_pyramid_is_the_picture_times_the_level():
    images = jnp.full((1, 2, 2, 3), 3.0)
    levels = perturbation_levels(images, extremal.Perturbation.FADE, 4, 20.0)
    np.testing.assert_allclose(levels[0, :, 0, 0, 0], [0.0, 1.0, 2.0, 3.0])


def test_a_pixel_lies_between_its_two_nearest_levels_and_the_last_level_has_no_slope():
    values = jnp.array([0.0, 10.0, 40.0])
    levels = jnp.broadcast_to(values[None, :, None, None, None], (1, 3, 1, 5, 1))
    strengths = jnp.array([0.0, 0.25, 0.5, 0.9, 1.0]).reshape(1, 1, 1, 5, 1)
    result, slope = jax.vjp(lambda s: perturbed(increments(levels), s), strengths)
    np.testing.assert_allclose(result.ravel(), [0.0, 5.0, 10.0, 34.0, 40.0], rtol=1e-6)
    # Two steps between three levels: 2 * 10 below one half, 2 * 30 from it on, and none at the end.
    np.testing.assert_allclose(slope(jnp.ones_like(result))[0].ravel(), [20, 20, 60, 60, 0])


def test_dampened_momentum_follows_the_numbers_worked_by_hand():
    slopes = jnp.array([1.0, 2.0, 3.0])
    tx = dampened_sgd(0.1, 0.9)
    theta, trace = optimise(lambda theta, g: (g * theta, {"at": theta}), jnp.zeros(1), tx, slopes)
    # Velocities 1, 0.9 + 0.2 = 1.1, 0.99 + 0.3 = 1.29.
    np.testing.assert_allclose(trace["at"][0], [0.0, -0.1, -0.21], rtol=1e-6)
    np.testing.assert_allclose(theta, [-0.339], rtol=1e-6)


def test_the_weight_of_the_area_grows_by_its_factor_from_300():
    cfg = config(learning_rate=0.0, num_steps=5, area_growth=1.0035)
    trace = explain(
        cfg, frozen_quadrants(), planted.quadrant_batch(1, SIZE, jax.random.key(0))
    ).numbers
    reward, deviation = trace["reward"].sum(axis=1), trace["deviation"].sum(axis=1)  # [b t]
    weight = (trace["objective"] + reward) / deviation
    np.testing.assert_allclose(weight[0], 300 * 1.0035 ** np.arange(5), rtol=1e-4)


def first_masks(frozen, batch) -> jax.Array:
    """The mask on the picture before the first step, and the pictures faded by it, unit pixels."""
    geometry = Geometry(image=(SIZE, SIZE), step=4, sigma=8.0)
    grid = jnp.ones((len(batch.target), 1, *geometry.grid, 1))
    return in_picture(smooth(grid, geometry), geometry)[:, 0]


@pytest.mark.parametrize("game", list(extremal.Game))
@pytest.mark.parametrize("reward", list(extremal.Reward))
def test_rewards_are_logits_of_what_is_kept_less_those_of_what_is_removed(game, reward):
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(2, SIZE, jax.random.key(0))
    cfg = config(game=game, reward=reward, learning_rate=0.0, num_steps=1)
    keep = first_masks(frozen, batch)

    def paid(images):
        logits = np.array(frozen.classifier.logits(images))
        rows = np.arange(2)
        own = logits[rows, batch.target]
        logits[rows, batch.target] = -np.inf
        return own if reward is extremal.Reward.SIMPLE else own - logits.max(axis=1)

    kept, removed = paid(keep * batch.images), -paid((1 - keep) * batch.images)
    expected = {"PRESERVE": kept, "DELETE": removed, "DUAL": kept + removed}[game.name]
    found = explain(cfg, frozen, batch).numbers["reward"][:, 0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_pictures_are_mirrored_on_even_steps_only():
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(2, SIZE, jax.random.key(0))
    cfg = config(learning_rate=0.0, num_steps=4, flip=True)
    rewards = explain(cfg, frozen, batch).numbers["reward"][:, 0]
    images = first_masks(frozen, batch) * batch.images
    as_it_is = frozen.classifier.logits(images)[jnp.arange(2), batch.target]
    mirrored = frozen.classifier.logits(images[:, :, ::-1])[jnp.arange(2), batch.target]
    expected = jnp.stack([mirrored, as_it_is, mirrored, as_it_is], axis=1)
    np.testing.assert_allclose(rewards, expected, rtol=1e-4)


@pytest.mark.parametrize("game", list(extremal.Game))
def test_planted_evidence_is_found_and_the_polarity_is_the_games(game):
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(4, SIZE, jax.random.key(0))
    explanation = explain(config(game=game, num_steps=120, area_growth=1.0235), frozen, batch)
    evidence = planted.quadrant_maps(batch.target, SIZE)
    inside = (explanation.saliency * evidence).sum(axis=(1, 2, 3))
    share = inside / explanation.saliency.sum(axis=(1, 2, 3))
    # A quarter would be chance; the masks must lie in a quadrant, but are round and soft.
    np.testing.assert_array_less(0.7, share)
    kept = (explanation.keep * evidence).sum(axis=(1, 2, 3)) / evidence.sum(axis=(1, 2, 3))
    elsewhere = explanation.keep.mean(axis=(1, 2, 3))
    if game is extremal.Game.DELETE:
        np.testing.assert_array_less(kept, elsewhere)  # what is left lacks the evidence
    else:
        np.testing.assert_array_less(elsewhere, kept)


def test_the_mean_of_the_final_mask_is_within_one_percent_of_the_image_of_its_area():
    batch = planted.quadrant_batch(1, 64, jax.random.key(0))
    cfg = config(
        areas=(0.05, 0.1, 0.2), step=2, sigma=6.0, num_steps=400, area_growth=1.0070
    )  # the published proportions of 224 pixels and the published last weight
    # The weight holds the area against rewards of the size of a real classifier's: logits of 6
    # for the whole quadrant. With the other tests' 12 the mask of 0.1 is 0.110.
    frozen = dataclasses.replace(frozen_quadrants(), classifier=planted.quadrant(gain=10.0))
    trace = explain(cfg, frozen, batch).numbers
    for index, area in enumerate(sorted(cfg.areas)):
        np.testing.assert_allclose(trace["mask_area"][:, index, -1], area, atol=0.01)


def test_areas_in_one_batch_are_those_explained_one_at_a_time_and_the_smallest_sufficient_is_kept():
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(4, SIZE, jax.random.key(3))
    cfg = config(areas=(0.3, 0.1), perturbation=extremal.Perturbation.BLUR, max_blur=6.0)
    both = explain(cfg, frozen, batch)
    small, large = (
        explain(dataclasses.replace(cfg, areas=(a,)), frozen, batch) for a in (0.1, 0.3)
    )
    np.testing.assert_allclose(both.saliency, small.saliency + large.saliency, atol=2e-3)
    levels = perturbation_levels(batch.images, cfg.perturbation, cfg.num_levels, cfg.max_blur)
    rows = jnp.arange(4)
    kept = frozen.classifier.logits(perturbed(increments(levels), small.keep[:, None])[:, 0])
    enough = (kept >= frozen.classifier.logits(batch.images))[rows, batch.target]
    expected = jnp.where(enough[:, None, None, None], small.keep, large.keep)
    np.testing.assert_allclose(both.keep, expected, atol=2e-3)


def test_the_smallest_good_area_is_selected_and_the_largest_where_none_is_good():
    good = jnp.array([[False, True, True], [True, False, True], [False, False, False]])
    np.testing.assert_array_equal(extremal.method._smallest(good), [1, 0, 2])


def test_the_deletion_game_counts_an_area_as_good_when_the_target_is_less_likely_than_not():
    logits = jnp.log(jnp.array([[[0.4, 0.6], [0.6, 0.4]]]))
    lost = extremal.method._lost(logits, jnp.array([0]), planted.quadrant().head)
    np.testing.assert_array_equal(lost, [[True, False]])


def test_the_final_blur_is_scipys_with_a_width_that_is_a_share_of_the_short_side():
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(1, SIZE, jax.random.key(0))
    sharp, soft = (
        explain(config(areas=(0.2,), num_steps=5, smooth=s), frozen, batch).saliency
        for s in (0.0, 0.125)
    )
    blur = scipy.ndimage.gaussian_filter(
        np.asarray(sharp[0, :, :, 0], np.float64), 4, mode="constant", radius=16
    )
    np.testing.assert_allclose(soft[0, :, :, 0], blur, atol=1e-5)


def test_an_image_is_explained_alike_alone_and_in_company():
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(3, SIZE, jax.random.key(1))
    company = explain(config(num_steps=20), frozen, batch)
    alone = explain(config(num_steps=20), frozen, planted.take(batch, slice(2, 3)))
    np.testing.assert_allclose(company.saliency[2], alone.saliency[0], atol=1e-4)
    np.testing.assert_allclose(company.keep[2], alone.keep[0], atol=1e-4)


@pytest.mark.parametrize(("game", "inner"), [("PRESERVE", 4), ("DUAL", 4)])
def test_a_bounded_inner_batch_gives_the_same_explanation(game, inner):
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(2, SIZE, jax.random.key(1))
    cfg = config(areas=(0.05, 0.1, 0.2), game=extremal.Game[game], num_steps=20)
    whole = explain(cfg, frozen, batch)
    parts = explain(dataclasses.replace(cfg, inner_batch_size=inner), frozen, batch)
    assert whole.numbers.keys() == parts.numbers.keys()
    for name, values in whole.numbers.items():
        np.testing.assert_allclose(parts.numbers[name], values, rtol=2e-3, atol=1e-3, err_msg=name)
    np.testing.assert_allclose(parts.saliency, whole.saliency, atol=1e-4)


def _counting_logits(params, images):
    assert images.shape[0] <= 4, images.shape
    return planted._quadrant_logits(params, images)


def test_never_more_composites_than_the_inner_batch_size_reach_the_classifier_at_once():
    classifier = Classifier.from_callable(_counting_logits, {"gain": jnp.float32(20)})
    frozen = Frozen(classifier=classifier, infill=Mean().build(classifier))
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(1))
    cfg = config(areas=(0.05, 0.1, 0.2), num_steps=2, inner_batch_size=4)
    assert explain(cfg, frozen, batch).keep.shape == (2, SIZE, SIZE, 1)


def test_a_second_call_compiles_nothing():
    run = jax.jit(config(num_steps=2).build().explain)
    for seed in (0, 1):
        run(
            (),
            frozen_quadrants(),
            planted.quadrant_batch(2, SIZE, jax.random.key(seed)),
            jax.random.key(seed),
        )
    assert run._cache_size() == 1


def test_one_device_explains_as_eight_do():
    frozen, batch = frozen_quadrants(), planted.quadrant_batch(8, SIZE, jax.random.key(2))
    cfg = config(num_steps=10)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    one, eight = explain(cfg, frozen, batch), explain(cfg, frozen, spread)
    np.testing.assert_allclose(eight.saliency, one.saliency, atol=1e-4)


def test_pictures_need_not_be_square():
    batch = planted.quadrant_batch(1, SIZE, jax.random.key(0))
    batch = dataclasses.replace(batch, images=batch.images[:, :, :20])
    explanation = explain(config(num_steps=2), frozen_quadrants(), batch)
    assert explanation.keep.shape == (1, SIZE, 20, 1)


def test_the_default_settings_are_the_published_ones():
    cfg = extremal.Config()
    assert (cfg.areas, cfg.num_steps) == ((0.1,), 800)
    assert (cfg.num_levels, cfg.smooth) == (8, 0.0)
    assert (cfg.learning_rate, cfg.momentum) == (0.01, 0.9)
    assert (cfg.area_weight, cfg.area_growth) == (300.0, 1.0035)
    assert (cfg.game, cfg.reward) == (extremal.Game.PRESERVE, extremal.Reward.SIMPLE)
    assert cfg.perturbation is extremal.Perturbation.BLUR and cfg.flip
    assert extremal.Config.pointing().areas == (0.025, 0.05, 0.1, 0.2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"areas": ()}, "areas must be one or more values"),
        ({"areas": (0.1, 1.0)}, r"areas must be .* within \(0, 1\)"),
        ({"num_levels": 1}, "num_levels must be a whole number of at least 2"),
        ({"num_steps": 0}, "num_steps must be a whole number of at least 1"),
        ({"momentum": 1.0}, r"momentum must be a finite number within \[0, 1\)"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes).build()


def test_an_inner_batch_that_holds_not_even_one_area_is_refused():
    cfg = config(inner_batch_size=3, game=extremal.Game.DUAL)
    with pytest.raises(ValueError, match="raise inner_batch_size to 4"):
        explain(cfg, frozen_quadrants(), planted.quadrant_batch(2, SIZE, jax.random.key(0)))


def _one_logit(params, images):
    del params
    return images.mean(axis=(1, 2, 3))[:, None]


def test_the_contrastive_reward_needs_a_second_class():
    classifier = Classifier.from_callable(_one_logit)
    frozen = Frozen(classifier=classifier, infill=Mean().build(classifier))
    batch = dataclasses.replace(
        planted.quadrant_batch(1, SIZE, jax.random.key(0)), target=jnp.zeros(1, jnp.int32)
    )
    with pytest.raises(ValueError, match="needs two classes"):
        explain(config(reward=extremal.Reward.CONTRASTIVE), frozen, batch)


@pytest.mark.parametrize("side", [17, 40, 65])
def test_a_smoothed_mask_stays_within_0_and_1(side):
    for smooth in (0.0, 0.03, 0.09):
        found = method._smoothed(config(smooth=smooth), jnp.ones((1, 2, side, side, 1)))
        assert found.min() >= 0.0 and found.max() <= 1.0
