"""Labels of other pictures: all of them, once each, the same every time; pictures stay."""

import numpy as np

from xai_jax.data.planted import Planted
from xai_jax.data.shuffled import Shuffled

WHOLE = Planted(size=48, num=40)


def labels(source):
    return np.stack([source[i].labels for i in range(len(source))])


def test_pictures_stay_and_their_labels_change_places():
    found = Shuffled(source=WHOLE).build()
    assert len(found) == 40 and found.class_names == WHOLE.class_names
    for i in (0, 17, 39):
        np.testing.assert_array_equal(found[i].picture, WHOLE[i].picture)
        assert (found[i].row, found[i].name) == (WHOLE[i].row, WHOLE[i].name)
        assert found[i].mask is None and found[i].boxes is None
    ours, theirs = labels(found), labels(WHOLE)
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))
    same = (ours == theirs).all(axis=1).mean()
    assert same < 0.5  # by chance some have what they had


def test_the_order_follows_the_seed_and_nothing_else():
    first, again, other = (labels(Shuffled(source=WHOLE, seed=n).build()) for n in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
