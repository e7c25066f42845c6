"""Likeness, attributes and pasting of counterfactuals, worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity
from test_counterfactuals import batch_of, explained, known

from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import Head
from xai_jax.core.types import Explanation
from xai_jax.metrics.likeness import (
    attributes_changed,
    bicubic,
    likeness,
    perceptual,
    ssim,
    structure,
)
from xai_jax.metrics.pasted import cout

KEY = jax.random.key(0)


def first_two_pixels(classifier, images):
    del classifier
    return images[:, 0, :2, 0]


def pictures(*rows):
    """``[n 1 4 3]``: four pixels in a row, grey."""
    return np.repeat(np.array(rows, float)[:, None, :, None], 3, axis=3)


def test_likeness_is_the_cosine_and_its_share_above_one_half():
    batch = batch_of(pictures([1, 0, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0]))
    made = pictures([0.3, 0.4, 0, 0], [0.4, 0.8, 0, 0], [0.2, 0.2, 1, 1])
    metric = likeness(known().classifier, first_two_pixels)
    rows = metric.measure(metric.params, known(), batch, explained(batch, made), KEY)
    wanted = [0.6, 0.2**0.5, 1.0]  # 0.3 of 0.5; 0.4 of the root of 0.8; the same direction
    np.testing.assert_allclose(rows["first_two_pixels_cosine"], wanted, rtol=1e-5)
    said = metric.reduce({name: np.asarray(values) for name, values in rows.items()})
    assert said == {
        "alike": pytest.approx(2 / 3),
        "cosine": pytest.approx(np.mean(wanted), rel=1e-5),
    }


def test_a_distance_is_asked_of_each_picture_and_its_counterfactual():
    distance = jax.tree_util.Partial(lambda one, other: jnp.abs(one - other).mean((1, 2, 3)))
    batch = batch_of(pictures([1, 0, 0, 0], [1, 0, 0, 0]))
    metric = perceptual("lpips", distance)
    found = explained(batch, pictures([0, 0, 0, 0], [1, 0, 0, 0]))
    rows = metric.measure(metric.params, known(), batch, found, KEY)
    assert rows["lpips"].tolist() == [0.25, 0.0]
    assert metric.reduce({"lpips": np.asarray(rows["lpips"])}) == {"lpips": 0.125}


def test_structure_is_that_of_scikit_image():
    draw = np.random.default_rng(0)
    one = draw.uniform(size=(2, 20, 24, 3)).astype(np.float32)
    other = np.clip(0.6 * one + 0.2 * draw.uniform(size=one.shape), 0, 1).astype(np.float32)
    how = {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5}
    wanted = [
        structural_similarity(*pair, channel_axis=2, data_range=1.0, **how)
        for pair in zip(one, other, strict=True)
    ]
    np.testing.assert_allclose(ssim(jnp.asarray(one), jnp.asarray(other)), wanted, atol=1e-4)
    metric = structure()
    rows = metric.measure(None, known(), batch_of(one), explained(batch_of(one), one), KEY)
    np.testing.assert_allclose(rows["ssim"], 1.0, atol=1e-6)
    with pytest.raises(ValueError, match="SSIM needs pictures of 11 pixels or more a side"):
        ssim(jnp.asarray(one[:, :10]), jnp.asarray(other[:, :10]))


def _brighter_than(params, images):
    return images.mean((1, 2, 3))[:, None] - params


def test_attributes_are_counted_that_the_oracle_decides_otherwise():
    levels = jnp.array([0.1, 0.3, 0.5])
    oracle = Classifier.from_callable(_brighter_than, levels, head=Head.SIGMOID)
    batch = batch_of(pictures([0.2] * 4, [0.4] * 4))
    metric = attributes_changed(oracle)
    found = explained(batch, pictures([0.6] * 4, [0.4] * 4))
    rows = metric.measure(metric.params, known(), batch, found, KEY)
    assert rows["attributes_changed"].tolist() == [2.0, 0.0]
    rows = {name: np.asarray(values) for name, values in rows.items()}
    assert metric.reduce(rows) == {"attributes_changed": 1.0}


def _as_wide(params, images):
    """One attribute: whether the pictures have so many columns and the last one is bright."""
    is_bright = images[:, :, -1].mean((1, 2)) > 0.5
    return jnp.where((images.shape[2] == params.shape[0]) & is_bright, 1.0, -1.0)[:, None]


def last_column(classifier, images):
    del classifier
    return images[:, 0, -2:, 0]


def test_a_judge_sees_pictures_of_its_own_size_and_the_columns_say_so():
    oracle = Classifier.from_callable(_as_wide, jnp.zeros(8), head=Head.SIGMOID)
    batch = batch_of(pictures([0, 0, 0, 0]))
    given = known(), batch, explained(batch, pictures([0, 0, 0, 1])), KEY
    for size, wanted in ((None, 0.0), ((2, 8), 1.0)):  # at four columns it finds nothing
        metric = attributes_changed(oracle, size=size)
        (changed,) = metric.measure(metric.params, *given).items()
        assert changed[0] == metric.rows[0].name == metric.columns[0].name
        assert changed[1].tolist() == [wanted]
    assert metric.columns[0].head == "attributes changed (2 x 8 bicubic)"
    seen = likeness(oracle, last_column, size=(2, 8))
    names = [column.name for column in seen.columns]
    assert names == ["alike_2x8", "cosine_2x8"]
    assert seen.columns[0].head == "alike (2 x 8 bicubic) %"
    rows = seen.measure(seen.params, *given)
    assert list(rows) == [seen.rows[0].name] == ["last_column_2x8_cosine"]
    assert list(seen.reduce({"last_column_2x8_cosine": np.array([0.6])})) == names


@pytest.mark.parametrize("size", [(24, 30), (7, 5)])
def test_pictures_are_resized_as_pillow_does_it(size):
    image = np.random.default_rng(0).uniform(0.2, 0.8, (1, 12, 10, 1)).astype(np.float32)
    made = Image.fromarray(image[0, ..., 0]).resize(size[::-1], Image.Resampling.BICUBIC)
    found = bicubic(jnp.asarray(image), size)
    np.testing.assert_allclose(found[0, ..., 0], np.clip(made, 0, 1), atol=1e-5)


def test_cout_is_the_area_between_both_decisions_along_the_way():
    """log-odds are 10 (mean - 1/2): of pixels 0 0 0 0 that become .2 1 .4 1, which are pasted."""
    batch = batch_of(pictures([0, 0, 0, 0], [1, 1, 1, 1]))
    after = np.array([[0.2, 1.0, 0.4, 1.0], [1, 1, 1, 1]])
    found = explained(batch, pictures(*after))
    rows = cout().measure(None, known(), batch, found, KEY)
    shares = np.round(np.arange(51) / 50 * 4).astype(int)
    gained = np.cumsum([0, 1.0, 1.0, 0.4, 0.2])[shares] / 4
    apart = 2 / (1 + np.exp(-10 * (gained - 0.5))) - 1
    stays = 2 / (1 + np.exp(5.0)) - 1  # nothing changes: the own decision all the way
    np.testing.assert_allclose(rows["cout"], [np.trapezoid(apart) / 50, stays], rtol=1e-5)


@pytest.mark.parametrize(
    "metric", [cout(), likeness(known().classifier), attributes_changed(known().classifier)]
)
def test_a_method_without_counterfactuals_is_refused(metric):
    batch = batch_of(pictures([0, 0, 0, 0]))
    nothing = Explanation(target=batch.target, saliency=None)
    with pytest.raises(ValueError, match="makes no counterfactual pictures"):
        metric.measure(metric.params, known(), batch, nothing, KEY)
