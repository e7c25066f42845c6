"""Focus and class specificity over tiles, on maps whose shares are counted by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.types import Batch, Explanation
from xai_jax.metrics.tiles import focus


def batch(labels):
    """2 x 2 tiles of 2 x 2 pixels: class 0 top left, 1 top right, 3 bottom left; then nothing."""
    masks = np.zeros((1, 4, 4, 4), np.float32)
    for k, (y, x) in {0: (0, 0), 1: (0, 2), 3: (2, 0)}.items():
        masks[0, y : y + 2, x : x + 2, k] = labels[k]
    return Batch(
        images=np.zeros((1, 4, 4, 3), np.float32),
        target=np.zeros(1, np.int32),
        image_id=np.zeros(1, np.uint32),
        weight=np.ones(1, np.float32),
        labels=np.array([labels], np.float32),
        masks=masks,
    )


def measured(maps, labels=(1, 1, 0, 0)):
    metric = focus()
    explanation = Explanation(target=None, saliency=None, maps={"true_keep": jnp.asarray(maps)})
    found = jax.jit(lambda e, b: metric.measure(metric.params, None, b, e, None))(
        explanation, batch(labels)
    )
    assert found.keys() == {row.name for row in metric.rows} == {c.name for c in metric.columns}
    return {name: float(values[0]) for name, values in found.items()}


def drawn(*maps):
    """Maps of the classes 0, 1 and 3, each as 2 x 2 numbers, one a tile; class 2 has none."""
    tiles = np.full((4, 2, 2), np.nan, np.float32)
    tiles[[0, 1, 3]] = np.array(maps, np.float32).reshape(3, 2, 2)
    return np.moveaxis(tiles.repeat(2, 1).repeat(2, 2), 0, -1)[None]


def test_a_map_that_is_the_same_everywhere_has_a_quarter_in_the_tile_of_its_class():
    found = measured(drawn([0.3] * 4, [0.5] * 4, [1.0] * 4))
    np.testing.assert_allclose(found["focus"], 0.25)
    # Class 0: 0.3 in its tile and in that of class 1; class 1: 0.5 in both; class 3 is not shown.
    np.testing.assert_allclose(found["tile_diagonal"], 0.4, rtol=1e-6)
    np.testing.assert_allclose(found["tile_off_diagonal"], 0.4, rtol=1e-6)


def test_only_positive_evidence_counts_and_classes_are_averaged():
    # Class 0: 3 of 4 in its tile (-5 is no evidence); class 1: none of 2 in its tile.
    found = measured(drawn([3, 1, -5, 0], [1, 0, 1, 0], [1, 1, 1, 1]))
    np.testing.assert_allclose(found["focus"], (0.75 + 0.0) / 2)
    np.testing.assert_allclose(found["tile_diagonal"], (3 + 0) / 2)
    np.testing.assert_allclose(found["tile_off_diagonal"], (1 + 1) / 2)


def test_maps_that_are_empty_or_were_not_drawn_have_no_focus():
    found = measured(drawn([0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]))
    np.testing.assert_allclose(found["focus"], 1.0)  # of class 1 alone
    np.testing.assert_allclose(found["tile_diagonal"], 0.5)
    not_drawn = drawn([np.nan] * 4, [np.nan] * 4, [np.nan] * 4)
    assert all(np.isnan(value) for value in measured(not_drawn).values())
    found = measured(drawn([1, 0, 0, 0], [np.nan] * 4, [0] * 4))
    assert (found["focus"], found["tile_diagonal"]) == (1.0, 1.0)
    assert np.isnan(found["tile_off_diagonal"])  # there is no second map


def test_a_mosaic_without_a_class_has_no_scores():
    assert all(np.isnan(v) for v in measured(drawn([1] * 4, [1] * 4, [1] * 4), (0,) * 4).values())


def test_it_says_which_masks_it_needs():
    metric, without = focus(), batch((1, 1, 0, 0)).replace(masks=None)
    nothing = Explanation(target=None, saliency=None)
    with pytest.raises(ValueError, match=r"^Focus needs the tiles of each class; set .*'soft'\.$"):
        metric.measure(metric.params, None, without, nothing, None)
