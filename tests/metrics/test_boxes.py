"""The saliency metric of a box, the deletion game and the pointing game, by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
from scipy import ndimage

from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import boxes, components

SIZE, FILLED = 8, 0.3


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier, Constant(value=FILLED).build(classifier))


def measured(metric, frozen, batch, maps):
    maps = jnp.asarray(maps, jnp.float32)
    explanation = Explanation(target=batch.target, saliency=maps, keep=maps)
    found = metric.measure(metric.params, frozen, batch, explanation, jax.random.key(0))
    assert set(found) == {row.name for row in metric.rows} == {c.name for c in metric.columns}
    return {name: np.asarray(values) for name, values in found.items()}


def probability(image: np.ndarray, target: int) -> float:
    half = SIZE // 2
    quarters = [image[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    weights = np.exp([20.0 * quarter.mean(dtype=np.float64) for quarter in quarters])
    return float(weights[target] / weights.sum())


def test_a_box_is_tight_and_its_content_is_stretched():
    inside = np.zeros((2, SIZE, SIZE, 1), bool)
    inside[0, 2, 5] = inside[0, 4, 1] = True
    box, found = boxes.box_around(jnp.asarray(inside))
    np.testing.assert_array_equal(box[0], [2, 1, 5, 6])
    assert found.tolist() == [True, False]
    assert float(boxes.area_of(box)[0]) == 15
    assert float(boxes.filled_box(box[:1], SIZE, SIZE).sum()) == 15
    image = np.random.default_rng(0).uniform(size=(1, SIZE, SIZE, 2)).astype(np.float32)
    seen = np.asarray(boxes.cropped(jnp.asarray(image), box[:1]))[0]
    rows = 2 + np.clip((np.arange(SIZE) + 0.5) * 3 / SIZE - 0.5, 0, 2)
    columns = 1 + np.clip((np.arange(SIZE) + 0.5) * 5 / SIZE - 0.5, 0, 4)
    places = np.meshgrid(rows, columns, indexing="ij")
    for channel in range(2):
        wanted = ndimage.map_coordinates(image[0, ..., channel], places, order=1)
        np.testing.assert_allclose(seen[..., channel], wanted, atol=1e-6)
    whole = jnp.array([[0.0, 0.0, SIZE, SIZE]])
    np.testing.assert_allclose(boxes.cropped(jnp.asarray(image), whole), image, atol=1e-6)


def test_the_saliency_metric_looks_at_the_box_and_says_its_threshold(frozen):
    batch = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    maps = np.zeros((3, SIZE, SIZE, 1))
    maps[0] = 0.9  # all of the picture
    maps[1, 2, 3] = 0.6  # one pixel: every quarter shows its colour alone
    metric = boxes.boxed_saliency(0.5)
    assert metric.columns[0].name == "boxed_saliency_0_5" and "0.5" in metric.columns[0].head
    (found,) = measured(metric, frozen, batch, maps).values()
    images = np.asarray(batch.images)
    wanted = [-np.log(probability(images[0], 0)), np.log(0.05 / 0.25), np.log(0.05 / 0.25)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    with pytest.raises(ValueError, match="threshold must be in"):
        boxes.boxed_saliency(1.0)
    with pytest.raises(ValueError, match="it has no keep"):
        explanation = Explanation(target=batch.target, saliency=jnp.zeros((3, SIZE, SIZE, 1)))
        metric.measure(None, frozen, batch, explanation, jax.random.key(0))


def test_the_deletion_game_takes_the_box_of_the_largest_threshold_that_suffices(frozen):
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    maps = np.random.default_rng(1).uniform(size=(2, SIZE, SIZE, 1)) ** 4
    maps = maps / maps.max(axis=(1, 2, 3), keepdims=True)
    maps = maps - maps.min(axis=(1, 2, 3), keepdims=True)
    maps = (maps / maps.max(axis=(1, 2, 3), keepdims=True)).astype(np.float32)
    found = measured(boxes.deletion_game(), frozen, batch, maps)
    for i in range(2):
        image, target = np.asarray(batch.images[i], np.float64), i
        nothing = probability(np.full_like(image, FILLED), target)
        whole, sizes = probability(image, target), {}
        for n in range(100):
            there = np.argwhere(maps[i, ..., 0] > np.float32(n / 100))
            (top, left), (bottom, right) = there.min(axis=0), there.max(axis=0) + 1
            cut = image.copy()
            cut[top:bottom, left:right] = FILLED
            left_over = (probability(cut, target) - nothing) / (whole - nothing)
            for share in boxes.SUPPRESSED:
                if left_over <= 1 - share:
                    sizes[f"game_{100 * share:.0f}"] = (bottom - top) * (right - left)
        for name, values in found.items():
            np.testing.assert_allclose(values[i], sizes.get(name, np.nan), err_msg=name)
    flat = measured(boxes.deletion_game(), frozen, batch, 0 * maps)
    assert all(np.isnan(values).all() for values in flat.values())  # nothing is cut out


def test_pointing_allows_for_fifteen_pixels_and_no_more():
    maps = np.zeros((4, 40, 40, 1), np.float32)
    maps[:, 5, 5] = 1.0
    truth = np.zeros_like(maps)
    truth[0, 5, 5] = truth[1, 5, 19] = truth[2, 5, 20] = 1.0  # 0, 14 and 15 pixels away
    found = boxes.pointed(jnp.asarray(maps), jnp.asarray(truth), 15)
    np.testing.assert_array_equal(found, [1, 1, 0, np.nan])
    found = boxes.pointed(jnp.asarray(maps), jnp.asarray(truth), 0)
    np.testing.assert_array_equal(found, [1, 0, 0, np.nan])


def test_difficult_are_small_objects_among_others_and_void_is_nowhere(frozen):
    maps = np.zeros((3, 8, 8, 1), np.float32)
    maps[:, 0, 0] = 1.0
    truth = np.zeros_like(maps)
    truth[:, :1] = 1.0  # an eighth
    batch = Batch(
        images=jnp.zeros((3, 8, 8, 1)),
        target=jnp.zeros(3, jnp.int32),
        image_id=jnp.zeros(3, jnp.uint32),
        weight=jnp.ones(3),
        labels=jnp.array([[1, 1], [1, 0], [1, 1]]),
        masks=jnp.asarray(truth),
        counted=jnp.ones((3, 8, 8, 1)).at[2, 0].set(0.0),  # all of the last one's object is void
    )
    found = measured(boxes.pointing_game(1), frozen, batch, maps)
    np.testing.assert_array_equal(found["pointing_1"], [1, 1, np.nan])
    np.testing.assert_array_equal(found["pointing_1_difficult"], [1, np.nan, np.nan])
    large = dataclasses.replace(batch, masks=jnp.ones((3, 8, 8, 1)), counted=None)
    found = measured(boxes.pointing_game(1), frozen, large, maps)
    assert np.isnan(found["pointing_1_difficult"]).all()
    with pytest.raises(ValueError, match="tolerance must be at least 0"):
        boxes.pointing_game(-1)


def spiral(size: int) -> np.ndarray:
    """A path of one pixel's width, as long as one can be."""
    path, y, x, down, across = np.zeros((size, size), bool), 0, 0, 0, 1
    path[0, 0] = True
    for _ in range(size * size):
        ahead = y + 2 * down, x + 2 * across
        inside = all(0 <= n < size for n in ahead)
        if not (0 <= y + down < size and 0 <= x + across < size) or (inside and path[ahead]):
            down, across = across, -down
            if path[min(y + 2 * down, size - 1), min(x + 2 * across, size - 1)]:
                break
        y, x = y + down, x + across
        path[y, x] = True
    return path


def test_components_are_those_of_scipy():
    rng = np.random.default_rng(0)
    masks = [rng.uniform(size=(33, 33)) < share for share in (0.1, 0.4, 0.55, 0.62, 0.9, 0.0, 1.1)]
    masks = np.stack([*masks, spiral(33), ~spiral(33)])[..., None]
    found = np.asarray(jax.jit(components.labelled)(jnp.asarray(masks)))
    biggest = np.asarray(jax.jit(components.largest)(jnp.asarray(masks)))
    for mask, labels, most in zip(masks[..., 0], found, biggest[..., 0], strict=True):
        wanted, num = ndimage.label(mask)
        firsts = [np.flatnonzero(wanted.ravel() == n + 1)[0] for n in range(num)]
        of_scipy = np.append(33 * 33, firsts).astype(int)[wanted]
        np.testing.assert_array_equal(labels, of_scipy)
        sizes = np.bincount(wanted.ravel(), minlength=2)[1:]
        np.testing.assert_array_equal(most, (wanted == 1 + sizes.argmax()) & mask)


def test_a_box_is_found_where_it_covers_more_than_half_of_both(frozen):
    maps, truth = np.zeros((3, 8, 8, 1), np.float32), np.zeros((3, 8, 8, 1), np.float32)
    truth[:2, :4, :4] = 1.0
    maps[:, :4, 1:5] = 1.0  # 12 of 20 pixels
    maps[1, :, 1:5] = 1.0  # 12 of 36
    maps[:, 7, 7] = 9.0  # strong, and small
    batch = Batch(
        images=None, target=jnp.zeros(3, jnp.int32), image_id=None, weight=None,
        labels=jnp.ones((3, 1)), masks=jnp.asarray(truth),
    )  # fmt: skip
    found = measured(boxes.box_overlap(), frozen, batch, maps)
    np.testing.assert_allclose(found["box_iou"], [12 / 20, 12 / 36, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(found["box_found"], [1, 0, np.nan])
