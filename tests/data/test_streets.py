"""Drawn streets: what is in them, and what decides."""

import numpy as np

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.streets import DECIDES, DISTRACTS, REGIONS, Streets


def mean_colour(example, name):
    inside = example.mask == REGIONS.index(name)
    return example.picture[inside].mean(axis=0)


def is_green(example, name):
    red, green, _ = mean_colour(example, name)
    return green > red


def test_every_picture_has_every_region_and_the_light_decides():
    examples = [Streets(num=200)[i] for i in range(200)]
    for example in examples:
        counts = np.bincount(example.mask.ravel(), minlength=len(REGIONS))
        assert (counts > 40).all(), example.name
        assert is_green(example, DECIDES) == bool(example.labels[0])
    agree = [is_green(e, DECIDES) == is_green(e, DISTRACTS) for e in examples]
    assert 0.4 < np.mean(agree) < 0.6
    assert 0.4 < np.mean([e.labels[0] for e in examples]) < 0.6
    # No other region's colour tells the class: |t| of two means of 100 is below 4.
    labels = np.array([e.labels[0] for e in examples]) == 1
    for name in set(REGIONS) - {DECIDES}:
        colours = np.stack([mean_colour(e, name) for e in examples])
        apart = colours[labels].mean(0) - colours[~labels].mean(0)
        spread = np.sqrt(colours.var(0) * (1 / labels.sum() + 1 / (~labels).sum()))
        assert (abs(apart) < 4 * spread).all(), name


def test_a_shortcut_agrees_and_a_picture_depends_on_its_number_alone():
    shortcut = Streets(num=100, agree=0.95)
    agree = [
        is_green(e, DECIDES) == is_green(e, DISTRACTS)
        for e in map(shortcut.__getitem__, range(100))
    ]
    assert np.mean(agree) > 0.88
    np.testing.assert_array_equal(Streets(num=5)[3].picture, Streets(num=9)[3].picture)
    other = Streets(num=5, split="test")[3]
    assert (other.picture != Streets(num=5)[3].picture).any()


def test_a_graded_label_is_the_share_of_green_in_the_light():
    graded, plain = (Streets(num=100, graded=graded) for graded in (True, False))
    shares = np.array([graded[i].labels[0] for i in range(100)])
    assert ((shares > 0.5) == [plain[i].labels[0] == 1 for i in range(100)]).all()
    np.testing.assert_array_equal(graded[7].picture, plain[7].picture)
    assert shares.min() == np.float32(0.02) and shares.max() == np.float32(0.98)
    assert 0.3 < np.mean((shares > 0.03) & (shares < 0.97)) < 0.7
    red, green, _ = np.stack([mean_colour(e, DECIDES) / 255 for e in graded]).T
    straight = np.polyfit(shares, green - red, 1)  # pure ones are 0.71 and 0.64 apart
    assert np.abs(np.polyval(straight, shares) - (green - red)).max() < 0.2


def test_a_pipeline_hands_on_the_label_map_at_the_size_of_the_picture():
    size = Preprocess(height=32, width=32)
    data = Pipeline(source=Streets(num=4), resize=size, regions=True, num_threads=0)
    arrays = data.example(1)
    assert arrays["regions"].dtype == np.int32 and "masks" not in arrays
    mask = Streets(num=4)[1].mask
    assert set(np.unique(arrays["regions"])) <= set(np.unique(mask))
    assert (arrays["regions"] == mask[1::2, 1::2]).mean() > 0.99
    batch = next(data.batches(2))
    assert batch.regions.shape == (2, 32, 32)


def test_in_fog_the_lamp_tells_more_of_the_class_than_the_light():
    examples = [Streets(num=300, agree=0.95, fog=True)[i] for i in range(300)]
    labels = np.array([e.labels[0] == 1 for e in examples])
    light, lamp = (
        np.array([is_green(e, name) for e in examples]) == labels for name in (DECIDES, DISTRACTS)
    )
    assert 0.5 < light.mean() < 0.7  # a normal's share below 0.05 / 0.2: 0.6
    assert lamp.mean() > 0.9


def test_in_fog_a_lamp_that_agrees_is_as_green_as_the_label_says():
    graded = Streets(num=200, agree=1.0, fog=True, graded=True)
    shares = np.array([graded[i].labels[0] for i in range(200)])
    red, green, _ = np.stack([mean_colour(graded[i], DISTRACTS) / 255 for i in range(200)]).T
    straight = np.polyfit(shares, green - red, 1)
    assert np.abs(np.polyval(straight, shares) - (green - red)).max() < 0.2
