"""iGOS++: its terms in NumPy, its slopes and line search by hand, and its refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import scipy.ndimage
from scipy.special import softmax

import xai_jax
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import Score
from xai_jax.infills.constant import Constant
from xai_jax.methods import igos
from xai_jax.methods.igos import descent, method, terms

SIZE, GRID, POINTS, STD = 8, 4, 3, 0.5


@pytest.fixture(scope="module")
def batch():
    return planted.quadrant_batch(2, SIZE, jax.random.key(0))


@pytest.fixture(scope="module")
def game(batch):
    classifier = planted.quadrant(gain=2.0).replace(std=jnp.array([STD]))
    return terms.Game(
        frozen=Frozen(classifier=classifier, infill=Constant().build(classifier)),
        batch=batch,
        blurred=jnp.broadcast_to(batch.images.mean(axis=(1, 2), keepdims=True), batch.images.shape),
        num_points=POINTS,
        noise=0.2,
        score=Score.SOFTMAX,
    )


@pytest.fixture(scope="module")
def grids():
    return jax.random.uniform(jax.random.key(2), (2, GRID, GRID, 2))


def upsampled(mask) -> np.ndarray:
    """Corner cells on the corner pixels."""
    return np.stack(
        [scipy.ndimage.zoom(np.asarray(m, np.float64), SIZE / GRID, order=1) for m in mask]
    )


def slow_terms(game: terms.Game, grids, look: int) -> np.ndarray:
    """The mean over the way of each term's probability, ``[b 4]``."""
    x, b = (np.asarray(a, np.float64) for a in (game.batch.images, game.blurred))
    first, second = np.asarray(grids[..., 0]), np.asarray(grids[..., 1])
    keys = example_keys(jax.random.key(1), game.batch.image_id)
    rows, found = np.arange(2), np.zeros((2, 4))
    for t in range(1, POINTS + 1):
        for n, (mask, kept, other) in enumerate(
            ((first * second, x, b), (first * second, b, x), (first, x, b), (second, b, x))
        ):
            share = t / POINTS * upsampled(mask)[..., None]
            drawn = [jax.random.fold_in(key, look * POINTS + t - 1) for key in keys]
            noise = [np.asarray(jax.random.normal(key, (4, SIZE, SIZE, 3)))[n] for key in drawn]
            image = share * kept + (1 - share) * other + 0.2 * STD * np.stack(noise)
            logits = np.asarray(game.frozen.classifier.logits(jnp.asarray(image, jnp.float32)))
            found[:, n] += softmax(logits, axis=1)[rows, np.asarray(game.batch.target)] / POINTS
    return found


def slow_penalty(grids, normalised) -> np.ndarray:
    mask, x = np.asarray(grids[..., 0] * grids[..., 1], np.float64), np.asarray(normalised)
    whole, steps = upsampled(mask), lambda a, axis: np.diff(a, axis=axis)
    flat_y = np.exp(-(steps(x, 1).mean(axis=3) ** 2) / 0.01)
    flat_x = np.exp(-(steps(x, 2) ** 2) / 0.01).mean(axis=3)
    mean = lambda a: a.mean(axis=(1, 2))  # noqa: E731
    variation = mean(steps(mask, 1) ** 2) + mean(steps(mask, 2) ** 2)
    variation += mean(flat_y * steps(whole, 1) ** 2) + mean(flat_x * steps(whole, 2) ** 2)
    return 1.0 * mean(np.abs(1 - mask)) + 20.0 * variation / 2


def looked(game, grids, look):
    keys = example_keys(jax.random.key(1), game.batch.image_id)
    of = jax.jit(lambda g: terms.term_scores(game, g, keys, jnp.int32(look), jnp.arange(POINTS)))
    return of(grids).mean(axis=1)


def test_the_four_terms_are_those_by_hand(game, grids):
    found = looked(game, grids, 2)
    np.testing.assert_allclose(found, slow_terms(game, grids, 2), rtol=1e-4)
    assert not np.allclose(found, looked(game, grids, 3), rtol=1e-3)  # new noise


def test_the_prices_are_those_by_hand(game, grids):
    normalised = game.frozen.classifier.normalise(game.batch.images)
    found = terms.penalty(grids, normalised, 1.0, 20.0)
    np.testing.assert_allclose(found, slow_penalty(grids, normalised), rtol=1e-4)
    flat = terms.bilateral_variation(jnp.full((2, GRID, GRID, 1), 0.3), normalised)
    np.testing.assert_allclose(flat, 0.0, atol=1e-9)


def test_the_slopes_are_the_halves_of_the_papers_and_the_whole_price(game, grids):
    """G_d = (dD(both) - dI(both) + dD(first)) / 2 + dR, G_i with -dI(second); one mask held."""
    keys = example_keys(jax.random.key(1), game.batch.image_id)
    cfg = igos.Config(grid=GRID, num_points=POINTS)
    normalised = game.frozen.classifier.normalise(game.batch.images)
    objective = method._objective(cfg, game, keys)

    def value(grids):
        return objective(grids, jnp.int32(0), jnp.arange(POINTS))[0].sum()

    def each(grids):
        found = terms.term_scores(game, grids, keys, jnp.int32(0), jnp.arange(POINTS)).mean(axis=1)
        return found.sum(axis=0), terms.penalty(grids, normalised, 1.0, 20.0).sum()

    whole = jax.jit(jax.grad(value))(grids)
    slopes, price = jax.jit(jax.jacrev(each))(grids)  # [4 b g g 2]
    delete, insert, first, second = slopes
    wanted_first = 0.5 * (delete - insert + first) + price
    wanted_second = 0.5 * (delete - insert - second) + price
    np.testing.assert_allclose(whole[..., 0], wanted_first[..., 0], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(whole[..., 1], wanted_second[..., 1], rtol=1e-3, atol=1e-6)


def searched(start, slope, loss, first):
    """Rate by rate as the paper's algorithm has it, of one picture."""
    rate, norm, before = first, np.sum(slope**2), loss(start)
    moved = lambda: np.clip(start - rate * slope, 0, 1)  # noqa: E731
    while loss(moved()) > before - 1e-4 * rate * norm and rate >= 1e-5:
        rate *= 0.2
    return moved()


def test_the_line_search_stops_for_each_picture_where_its_loss_falls_enough():
    goal = np.array([0.9, 0.5, -5.0]).reshape(3, 1, 1, 1)
    start = np.full((3, 2, 2, 1), [[[0.4]], [[0.55]], [[0.0]]][0][0]).astype(np.float32)
    start[1], start[2] = 0.55, 0.0
    loss = lambda grids, step, look: ((grids - goal) ** 2).sum(axis=(1, 2, 3))  # noqa: E731
    slope = 2 * (start - goal)
    slope[2] = -slope[2]  # uphill: no rate will do
    tx = descent.line_search(loss, 1000.0)
    moved, step = jax.jit(tx.update)(jnp.asarray(slope), tx.init(start), jnp.asarray(start))
    assert step == 1
    for row in range(3):
        by_hand = searched(start[row], slope[row], lambda m, r=row: ((m - goal[r]) ** 2).sum(), 1e3)
        np.testing.assert_allclose(start[row] + moved[row], by_hand, atol=2e-4)
    assert (np.abs(moved[:2]) > 0.01).all() and np.abs(moved[2]).max() < 1e-3


def test_a_line_search_from_a_thousand_tries_twelve_rates():
    assert descent.num_trials(1000.0) == 12  # to 2.05e-5; the next is below 1e-5
    assert descent.num_trials(1e-9) == 1
    assert 2 + descent.num_trials(1e6) < method._LOOKS


def test_nesterovs_momentum_is_that_by_hand_and_ends_on_the_mask():
    tx, slopes = descent.nesterov(0.1, 4), [0.3, -0.2, 0.5, 0.1]
    ahead = mask = 0.5
    grids = jnp.full((1, 1, 1, 1), 0.5)
    state = tx.init(grids)
    for i, slope in enumerate(slopes):
        after = ahead - 0.1 * slope
        ahead = after + (i / (i + 3)) * (after - mask) if i < 3 else after
        mask = after
        moved, state = tx.update(jnp.full((1, 1, 1, 1), slope), state, grids)
        grids = grids + moved
        np.testing.assert_allclose(grids, ahead, rtol=1e-5)
    np.testing.assert_allclose(grids, mask, rtol=1e-5)


def test_the_newer_form_finds_the_evidence_too():
    batch = planted.quadrant_batch(4, 16, jax.random.key(0))
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=Constant().build(classifier))
    cfg = igos.Config.newer()
    # A cell of 16 x 16 has a share of the prices, and so a slope, 196 times that of 224 x 224.
    cfg = dataclasses.replace(cfg, grid=16, num_points=4, rate=cfg.rate / 196, area_weight=1.0)
    cfg = dataclasses.replace(cfg, blur=50.0, blur_radius=25)  # that takes a whole quadrant away
    found = jax.jit(cfg.build().explain)((), frozen, batch, jax.random.key(0))
    inside = np.asarray(planted.quadrant_maps(batch.target, 16))
    for saliency, where in zip(np.asarray(found.saliency), inside, strict=True):
        assert saliency[where == 1].mean() > 10 * saliency[where == 0].mean() > 0


def test_a_batch_beyond_the_inner_batch_size_is_refused():
    images = np.zeros((4, SIZE, SIZE, 3), np.float32)
    cfg = igos.Config(inner_batch_size=11)
    with pytest.raises(ValueError, match="each of which takes 4 at once; .* to 16"):
        xai_jax.explain(planted.quadrant(), images, method=cfg)
