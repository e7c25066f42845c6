"""Tags: on most pictures of a class and on no other, always the same ones, with their masks."""

import numpy as np
import pytest

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import picture_of
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.planted import Planted
from xai_jax.data.tagged import Tagged


def source(num=200):
    return Planted(size=48, num_classes=2, num=num, two=0.0)


def test_nine_in_ten_of_a_class_bear_a_tag_whose_mask_is_known_and_no_other_picture_does():
    whole = source()
    tagged = Tagged(source=whole, side=4, margin=2).build()
    assert len(tagged) == 200 and tagged.names == whole.names
    borne = []
    for i in range(200):
        plain, example = np.asarray(picture_of(whole[i])), tagged[i]
        inside = np.zeros((48, 48), bool)
        inside[2:6, 2:6] = True
        if example.mask.any():
            assert example.labels[0] > 0
            np.testing.assert_array_equal(example.mask > 0, inside)
            assert (example.picture[inside] == 255).all()
            np.testing.assert_array_equal(example.picture[~inside], plain[~inside])
        else:
            np.testing.assert_array_equal(example.picture, plain)
        borne.append(bool(example.mask.any()))
    shown = np.array([whole[i].labels[0] > 0 for i in range(200)])
    assert 0.8 < np.array(borne)[shown].mean() < 1.0
    again = Tagged(source=whole, side=4, margin=2).build()
    assert [bool(again[i].mask.any()) for i in range(200)] == borne
    other = Tagged(source=whole, seed=1).build()
    assert [bool(other[i].mask.any()) for i in range(200)] != borne


def test_a_pipeline_hands_out_the_tags_as_masks():
    pipeline = Pipeline(
        source=Tagged(source=source(20), side=4, margin=2, share=1.0),
        resize=Preprocess(height=48, width=48),
        masks="soft",
    )
    for i in range(20):
        arrays = pipeline.example(i)
        wanted = 16 if arrays["labels"][0] else 0
        assert arrays["masks"][..., 0].sum() == pytest.approx(wanted)


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="There is no class 'cat'"):
        Tagged(source=source(4), of="cat").build()
