"""Polygons and run lengths of COCO cover the pixels that they say."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from xai_jax.data.builders import regions


def test_a_rectangle_covers_the_pixels_whose_centres_are_inside():
    covered = regions.from_polygon([1, 1, 4, 1, 4, 3, 1, 3], 5, 6)
    expected = np.zeros((5, 6), bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(covered, expected)
    # Half a pixel more to the right reaches the centres of one more column.
    wider = regions.from_polygon([1, 1, 4.6, 1, 4.6, 3, 1, 3], 5, 6)
    assert wider.sum() == expected.sum() + 2


def test_a_triangle_and_a_polygon_that_crosses_itself_are_filled_as_worked_by_hand():
    triangle = regions.from_polygon([0, 0, 4, 4, 0, 4], 4, 4)
    below = np.tril(np.ones((4, 4), bool), -1)
    np.testing.assert_array_equal(triangle, below)  # centres on its right edge are outside,
    other = regions.from_polygon([0, 0, 4, 0, 4, 4], 4, 4)
    np.testing.assert_array_equal(other, ~below)  # and inside the neighbour whose left edge it is
    hourglass = regions.from_polygon([0, 0, 4, 0, 0, 4, 4, 4], 4, 4)
    rows = ["###.", ".#..", ".#..", "###."]  # the last of each row is on a right edge
    assert [row.count("#") for row in rows] == hourglass.sum(1).tolist()


def test_what_lies_outside_the_picture_is_cut_off():
    everywhere = regions.from_polygon([-9, -9, 30, -9, 30, 30, -9, 30], 3, 4)
    assert everywhere.all() and everywhere.shape == (3, 4)
    assert not regions.from_polygon([10, 10, 12, 10, 12, 12], 3, 4).any()


def test_a_polygon_agrees_with_a_raster_of_a_hundredfold_size():
    rng = np.random.default_rng(0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
    radius = rng.uniform(5, 18, 12)
    points = np.stack([20 + radius * np.cos(angles), 20 + radius * np.sin(angles)], -1)
    large = Image.new("L", (4000, 4000))
    ImageDraw.Draw(large).polygon([tuple(p) for p in points * 100], fill=1)
    centres = np.asarray(large)[50::100, 50::100]
    ours = regions.from_polygon(points.ravel().tolist(), 40, 40)
    assert (centres != ours).sum() <= 3  # centres that an edge of the large picture touches
    assert ours.sum() > 200


def test_runs_go_down_the_columns_beginning_with_zeros():
    covered = regions.from_runs([1, 2, 3], 2, 3)
    np.testing.assert_array_equal(covered, [[0, 1, 0], [1, 0, 0]])
    assert regions.runs(covered) == [1, 2, 3]
    assert regions.runs(np.ones((2, 2), bool)) == [0, 4]
    assert regions.runs(np.zeros((2, 2), bool)) == [4]


def packed(counts):
    """The other direction, written from the description of the format."""
    text = ""
    for i, count in enumerate(counts):
        number = count - counts[i - 2] if i > 2 else count
        while True:
            group, number = number & 31, number >> 5
            done = number == (-1 if group & 16 else 0)
            text += chr(48 + group + (0 if done else 32))
            if done:
                break
    return text


def test_packed_runs_are_unpacked():
    # By hand: 6 -> "6"; 1 -> "1"; 40 = 8 + 1 * 32 -> chr(48 + 8 + 32) + chr(48 + 1) = "X1";
    # the fourth is 4, 3 more than the second -> "3"; the fifth 38, 2 less than 40 -> chr(48+30).
    assert regions.unpacked("61X13N") == [6, 1, 40, 4, 38]
    counts = np.random.default_rng(0).integers(0, 5000, 50).tolist()
    assert regions.unpacked(packed(counts)) == counts


def test_every_form_of_an_annotation_becomes_a_mask():
    square = [0, 0, 2, 0, 2, 2, 0, 2]
    two = regions.mask([square, [3, 0, 4, 0, 4, 1, 3, 1]], 2, 4)
    np.testing.assert_array_equal(two, [[1, 1, 0, 1], [1, 1, 0, 0]])
    counts = regions.runs(two)
    np.testing.assert_array_equal(regions.mask({"counts": counts, "size": [2, 4]}, 2, 4), two)
    np.testing.assert_array_equal(regions.mask({"counts": packed(counts)}, 2, 4), two)


def test_runs_of_another_picture_are_refused():
    with pytest.raises(ValueError, match="Run lengths of 6 pixels for a picture of 3 x 3"):
        regions.from_runs([1, 2, 3], 3, 3)
