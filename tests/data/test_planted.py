"""The evidence of planted pictures is inside the shapes, and the classifier reads it there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.classifier import compiled_logits
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import planted
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.planted import Planted

NUM = 24


def arrays(size, num=NUM, **settings):
    source = Planted(size=size, num=num, **settings)
    rows = [source[i] for i in range(num)]
    images = np.stack([np.float32(e.picture) / 255 for e in rows])
    return images, np.stack([e.labels for e in rows]), np.stack([e.mask for e in rows])


@pytest.mark.parametrize("size", [64, 96, 224])
def test_the_reader_is_right_about_every_class_of_every_picture(size):
    images, labels, _ = arrays(size)
    logits = np.asarray(compiled_logits(planted.reader(), images))
    assert logits[labels > 0].min() > 2.0
    assert logits[labels == 0].max() < -6.0  # nearly -8, what nothing at all gives


def filled(images, where):
    """The mean colour of the whole picture in the place of what is removed."""
    return np.where(where[..., None], images.mean((1, 2), keepdims=True), images)


def test_what_the_reader_reads_is_inside_the_shapes_and_all_of_it_is():
    images, labels, ids = arrays(96)
    logits = lambda x: np.asarray(compiled_logits(planted.reader(), np.float32(x)))  # noqa: E731
    assert logits(filled(images, ids == 0))[labels > 0].min() > 2.0  # the shapes alone suffice
    assert logits(filled(images, ids > 0)).max() < -6.0  # and without them nothing is left
    for k in range(8):  # each class is inside its own mask alone
        without = logits(filled(images, ids == 1 + k))
        others = np.delete(labels > 0, k, axis=1)
        assert without[:, k].max() < -6.0
        assert np.delete(without, k, axis=1)[others].min() > 2.0


def test_the_reader_can_be_followed_by_its_gradient():
    images, labels, ids = arrays(64, num=4)
    target = jnp.asarray(labels.argmax(-1))
    gradient = jax.grad(lambda x: planted.reader().log_odds(x, target).sum())(jnp.asarray(images))
    inside = np.abs(gradient).sum(-1)[ids > 0].mean()
    assert np.isfinite(gradient).all() and inside > 3 * np.abs(gradient).sum(-1)[ids == 0].mean()


def test_a_reader_of_fewer_classes_reads_pictures_of_as_many():
    images, labels, _ = arrays(64, num=8, num_classes=3)
    logits = np.asarray(compiled_logits(planted.reader(3), images))
    np.testing.assert_array_equal(logits > 0, labels > 0)


def test_half_of_the_pictures_have_two_objects_in_opposite_quadrants():
    source = Planted(size=64, num=200)
    two = 0
    for i in range(len(source)):
        example = source[i]
        there = np.unique(example.mask)[1:] - 1
        np.testing.assert_array_equal(np.flatnonzero(example.labels), there)
        assert len(there) in (1, 2)
        if len(there) == 2:
            two += 1
            a, b = (np.argwhere(example.mask == 1 + k) >= 32 for k in there)
            assert (a == a[0]).all() and (b == b[0]).all()  # each within one quadrant
            assert (a[0] != b[0]).all()  # above and below, left and right
    assert 70 <= two <= 130  # 100 +- 4 standard deviations of 7.1


def test_shapes_stay_off_the_border_and_have_the_sizes_of_the_specification():
    source = Planted(size=224, num=60, two=0.0)
    areas = []
    for i in range(len(source)):
        mask = source[i].mask > 0
        y, x = np.nonzero(mask)
        assert min(y.min(), x.min()) >= 19 and max(y.max(), x.max()) <= 224 - 20
        assert 1 <= max(np.ptp(y), np.ptp(x)) <= 160
        areas.append(mask.mean())
    assert 0.015 < min(areas) and max(areas) <= np.pi * 80**2 / 224**2
    assert max(areas) > 0.2


def test_areas_of_the_shapes_are_those_of_geometry(monkeypatch):
    # Of the circle around them, in units of its radius squared.
    area = {
        "circle": np.pi,
        "triangle": 3 * np.sqrt(3) / 4,
        "square": 2.0,
        "pentagon": 2.5 * np.sin(2 * np.pi / 5),
        "hexagon": 3 * np.sqrt(3) / 2,
        "cross": 2 * 1.9 * 0.6 - 0.6**2,
        "star": np.sqrt(3),  # a triangle and three small ones, each a ninth of it
        "heart": 3.66 / 1.43**2,  # of (u^2 + v^2 - 1)^3 < u^2 v^3, by quadrature
    }
    for name in planted.SHAPES:
        monkeypatch.setattr(planted, "SHAPES", (name,))
        inside = planted._shape(200, np.array([100.0, 100.0]), 90.0, np.random.default_rng(1))
        np.testing.assert_allclose(inside.sum() / 90**2, area[name], rtol=0.01, err_msg=name)
        assert inside[[0, -1]].sum() == 0


def test_a_picture_depends_on_seed_split_and_number_only():
    one, again = Planted(size=64, num=9), Planted(size=64, num=3)
    np.testing.assert_array_equal(one[2].picture, again[2].picture)
    for other in (one[3], Planted(size=64, split="test")[2], Planted(size=64, seed=1)[2]):
        assert (other.picture != one[2].picture).any()


def test_a_loop_over_the_source_ends():
    assert sum(1 for _ in Planted(size=48, num=3)) == 3


def test_a_pipeline_makes_batches_of_planted_pictures():
    source = Planted(size=64, num=5)
    p = Pipeline(source=source, resize=Preprocess(height=64, width=64), masks="soft")
    batch = next(p.batches(4))
    np.testing.assert_array_equal(batch.labels > 0, batch.masks.max((1, 2)) > 0)
    np.testing.assert_array_equal(batch.images[3], np.float32(source[3].picture) / 255)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"split": "tset"}, "split must be .* did you mean 'test'"),
        ({"size": 32}, "size must be a whole number of at least 48"),
        ({"num_classes": 9}, r"within \[2, 8\], not 9"),
    ],
)
def test_settings_that_make_no_picture_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Planted(**settings)
