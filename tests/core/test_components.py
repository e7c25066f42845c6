"""Pieces of regions: numbered by size, refused where there are too many."""

import numpy as np
import pytest

from xai_jax.core.components import Components
from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import numbered

NAMES = ("sky", "car")
MAP = np.array(
    [
        [0, 1, 0, 0, 1, 1],
        [0, 1, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [1, 0, 0, 1, 0, 0],
    ]
)


def test_the_largest_piece_keeps_the_number_and_specks_are_part_of_it():
    split = Components(at_most=3, of=("car",), smallest=2 / 30).build(NAMES)
    assert split.names == ("sky", "car", "car 2", "car 3") and split.origins == (0, 1, 1, 1)
    found = split(MAP)
    wanted = MAP.copy()
    wanted[:2, 1] = 2  # of two pixels, where the largest has four; three of one pixel are specks
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.int32


def test_of_equals_the_first_in_reading_order_is_the_larger_and_corners_do_not_connect():
    split = Components(at_most=5, smallest=0.0).build(NAMES)
    assert split.names[2:6] == ("sky 2", "sky 3", "sky 4", "sky 5") and len(split.names) == 10
    found = split(MAP)
    assert [found[0, 1], found[0, 4], found[3, 2], found[4, 0], found[4, 3]] == [6, 1, 7, 8, 9]
    assert (found[MAP == 0] == 0).all()  # the sky is one piece


def test_one_piece_of_each_is_the_map_itself():
    np.testing.assert_array_equal(Components().build(NAMES)(MAP), MAP)
    assert numbered(None, {"regions": MAP})["regions"] is MAP


@pytest.mark.parametrize(
    "components, labels, sentence",
    [
        (Components(at_most=2, smallest=0.0), MAP, "Its car has 5 pieces of 0 % .*at_most is 2"),
        (Components(at_most=2), np.full((2, 2), 2), "the number 2, and .* are 0 to 1"),
        (Components(), np.full((2, 2), np.nan), "is of float64; regions must be whole numbers"),
        (Components(at_most=2), MAP > 0, "is of bool; regions must be whole numbers"),
    ],
)
def test_a_picture_that_does_not_fall_into_them_is_refused(components, labels, sentence):
    with pytest.raises(BadPicture, match=sentence):
        components.build(NAMES)(labels)


@pytest.mark.parametrize(
    "components, names, sentence",
    [
        (Components(of=("cat",), at_most=2), NAMES, "no region 'cat'; did you mean"),
        (Components(of=("cat",)), NAMES, "no region 'cat'; did you mean"),
        (Components(of=("car",)), NAMES, "of names car, and components.at_most is 1; raise it[.]"),
        (
            Components(at_most=3),
            ("car 3", "car"),
            "piece of the region 'car' would have the name of the region 'car 3'; name others",
        ),
    ],
)
def test_regions_that_cannot_fall_into_pieces_are_refused(components, names, sentence):
    with pytest.raises(ValueError, match=sentence):
        components.build(names)
    fewer = Components(at_most=3, of=("car 3",)).build(("car 3", "car"))
    assert fewer.names == ("car 3", "car", "car 3 2", "car 3 3")
