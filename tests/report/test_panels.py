"""What the renderers draw, against colours and counts worked out by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.areas import AREAS, most_salient, ranks
from xai_jax.report import panels

NAN = float("nan")


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB, IEC 61966-2-1 and CIE 15."""
    unit = colours / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    root = np.where(luminance > (6 / 29) ** 3, np.cbrt(luminance), luminance * 841 / 108 + 4 / 29)
    return 116 * root - 16


def picture(height: int = 12, width: int = 10) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_the_colour_map_climbs_evenly_from_black_to_almost_white():
    light = lightness(panels.colour_map(np.linspace(0, 1, 201)))
    assert (np.diff(light) > 0).mean() > 0.97 and np.diff(light).min() > -0.4
    assert light[0] < 1 and light[-1] > 97
    # Inferno is even in CAM02-UCS, whose lightness leaves L* by up to 5 at the dark end.
    assert np.abs(light - np.linspace(light[0], light[-1], 201)).max() < 6


def test_the_colour_map_meets_its_published_ends_and_clips_beyond_them():
    drawn = panels.colour_map(np.array([-3.0, 0.0, 1.0, 7.0, NAN]))
    ends = [[0, 0, 4], [0, 0, 4], [252, 255, 164], [252, 255, 164], [128, 128, 128]]
    np.testing.assert_array_equal(drawn, ends)


def test_the_colour_map_is_linear_between_two_stops():
    np.testing.assert_array_equal(panels.colour_map(np.array([0.5 / 9])), [[14, 6, 34]])


def test_an_overlay_mixes_colour_and_grey_picture():
    image = np.full((1, 2, 3), 200, np.uint8)
    drawn = panels.overlay(image, np.array([[-5.0, 3.0]]))
    grey = 0.45 * 200
    expected = [[0 + grey, 0 + grey, 0.55 * 4 + grey]]
    expected += [[0.55 * 252 + grey, 0.55 * 255 + grey, 0.55 * 164 + grey]]
    np.testing.assert_allclose(drawn[0], expected, atol=0.51)


def test_an_overlay_does_not_depend_on_the_unit_of_the_map():
    saliency = np.random.default_rng(1).normal(size=(12, 10, 1))
    image = picture()
    np.testing.assert_array_equal(
        panels.overlay(image, saliency), panels.overlay(image, 1000 * saliency - 7)
    )


def test_the_signed_colours_are_blue_below_zero_red_above_and_one_grey_at_it():
    drawn = panels.signed_colour_map(np.array([-7.0, -1.0, 0.0, 0.5, 1.0, NAN]))
    blue, grey, red = [20, 90, 190], [225, 225, 225], [180, 40, 20]
    half = [202, 132, 122]  # 202.5 and 132.5 to the even neighbour, as NumPy rounds
    np.testing.assert_array_equal(drawn, [blue, blue, grey, half, red, [128] * 3])
    light = lightness(panels.signed_colour_map(np.linspace(-1, 1, 201)))
    assert (np.diff(light[:101]) > -0.4).all() and (np.diff(light[100:]) < 0.4).all()
    assert abs(light[0] - light[-1]) < 3  # neither sign looks stronger


def test_a_signed_map_has_the_same_colour_at_zero_whatever_its_extremes():
    image = np.full((1, 3, 3), 200, np.uint8)
    one = panels.signed_overlay(image, np.array([[0.0, 0.2, -0.1]]))
    other = panels.signed_overlay(image, np.array([[0.0, 0.01, 0.9]]))
    np.testing.assert_allclose(one[0, 0], 0.55 * 225 + 0.45 * 200, atol=0.51)
    np.testing.assert_array_equal(one[0, 0], other[0, 0])
    red = 0.55 * np.array([180, 40, 20]) + 0.45 * 200
    np.testing.assert_allclose(one[0, 1], red, atol=0.51)
    half_blue = 0.55 * (np.array([20, 90, 190]) + 225) / 2 + 0.45 * 200
    np.testing.assert_allclose(one[0, 2], half_blue, atol=0.8)
    np.testing.assert_allclose(other[0, 2], red, atol=0.51)
    assert panels.signed_range(np.array([[0.0, 0.2, -0.1, NAN]])) == (-0.2, 0.2)
    assert panels.signed_range(np.array([[0.0, NAN]])) is None
    flat, hatched = panels.signed_overlay(image, np.zeros((1, 3))), np.full((1, 3), NAN)
    np.testing.assert_array_equal(flat, panels.overlay(image, hatched))


def test_kept_and_removed_show_the_picture_each_in_its_own_half():
    image = picture()
    keep = np.zeros((12, 10))
    keep[:, :4] = 1
    kept, removed = panels.kept(image, keep), panels.removed(image, keep)
    np.testing.assert_array_equal(kept[:, :4], image[:, :4])
    np.testing.assert_array_equal(removed[:, 4:], image[:, 4:])
    greys = {round(255 * 0.79), round(255 * 0.75)}
    assert {int(v) for v in np.unique(kept[:, 4:])} == greys
    assert {int(v) for v in np.unique(removed[:, :4])} == greys


def test_half_kept_pixels_are_half_the_picture():
    drawn = panels.kept(np.zeros((1, 1, 3), np.uint8), np.array([[0.5]]))
    np.testing.assert_allclose(drawn, 255 * 0.79 / 2, atol=0.51)


def test_unit_floats_bytes_and_device_arrays_are_drawn_alike():
    image, keep = picture(), np.random.default_rng(2).uniform(size=(12, 10, 1)).astype(np.float32)
    expected = panels.kept(image, keep)
    np.testing.assert_array_equal(panels.kept(image / np.float32(255), keep[..., 0]), expected)
    np.testing.assert_array_equal(
        panels.kept(jnp.asarray(image, jnp.float32) / 255, jnp.asarray(keep)), expected
    )


def test_grey_pictures_are_drawn_in_three_equal_channels():
    drawn = panels.kept(picture()[..., :1], np.ones((12, 10)))
    np.testing.assert_array_equal(drawn, np.repeat(picture()[..., :1], 3, axis=-1))


@pytest.mark.parametrize("broken", [np.zeros((12, 10)), np.full((12, 10), NAN)])
def test_a_map_with_nothing_to_show_is_drawn_in_hatched_grey(broken):
    drawn = panels.overlay(picture(), broken)
    assert (drawn == drawn[..., :1]).all() and len(np.unique(drawn)) > 1
    assert panels.display_range(broken) is None


def test_single_broken_values_are_hatched_and_leave_the_rest_as_it_was():
    saliency = np.linspace(0, 1, 120).reshape(12, 10)
    whole = panels.overlay(picture(), saliency)
    saliency[3, 4], saliency[5, 6] = NAN, float("inf")
    drawn = panels.overlay(picture(), saliency)
    assert (drawn != whole).any(axis=-1).sum() == 2
    assert len(set(drawn[3, 4].tolist())) == 1 and len(set(drawn[5, 6].tolist())) == 1
    assert panels.display_range(saliency) == (0.0, 1.0)


def test_broken_masks_are_hatched_in_both_parts():
    keep = np.full((12, 10), NAN)
    for drawn in (panels.kept(picture(), keep), panels.removed(picture(), keep)):
        assert (drawn == drawn[..., :1]).all()


def test_a_contact_sheet_is_a_row_of_the_four_panels():
    image, keep = picture(), np.random.default_rng(3).uniform(size=(12, 10, 1))
    sheet = panels.contact_sheet(image, keep, 2 * keep)
    assert sheet.shape == (12 + 4, 4 * 10 + 5 * 2, 3) and sheet.dtype == np.uint8
    cells = [sheet[2:14, 2 + 12 * i : 12 + 12 * i] for i in range(4)]
    expected = [
        image,
        panels.overlay(image, 2 * keep),
        panels.kept(image, keep),
        panels.removed(image, keep),
    ]
    for cell, panel in zip(cells, expected, strict=True):
        np.testing.assert_array_equal(cell, panel)
    assert (sheet[:2] == 255).all() and (sheet[:, -2:] == 255).all()


def test_pictures_that_a_method_has_made_stand_beside_the_picture():
    image, made = picture(), np.random.default_rng(4).uniform(size=(12, 10, 3))
    found = panels.of_row({"made": np.stack([image, made]), "each": np.zeros((2, 5, 12, 10, 3))}, 1)
    assert list(found) == ["made"]
    sheet = panels.contact_sheet(image, None, made[..., :1], tuple(found.values()))
    assert sheet.shape == (12 + 4, 3 * 10 + 4 * 2, 3)
    np.testing.assert_array_equal(sheet[2:14, 14:24], panels.picture(made))
    np.testing.assert_array_equal(sheet[2:14, 26:36], panels.overlay(image, made[..., :1]))


def test_levels_keep_the_very_pixels_that_the_curves_were_scored_with():
    saliency = np.random.default_rng(4).integers(0, 9, (1, 17, 13, 1)).astype(np.float32)  # ties
    placed = panels.levels(saliency[0])
    for n, share in enumerate(AREAS):
        expected = most_salient(ranks(jnp.asarray(saliency)), share)[0, ..., 0]
        np.testing.assert_array_equal(placed <= n, np.asarray(expected) == 1)


def test_levels_keep_exactly_the_share_of_the_pixels():
    placed = panels.levels(np.random.default_rng(5).normal(size=(40, 50, 1)))
    counts = [int((placed <= n).sum()) for n in range(20)]
    assert counts[:4] == [5, 20, 45, 80] and counts[19] == 2000  # (i / 20)^2 of 2,000
    assert placed.max() == 19


def test_levels_of_a_single_pixel_keep_it_always():
    assert panels.levels(np.array([[[0.3]]])).tolist() == [[0]]


def test_a_map_of_another_size_is_refused_with_its_remedy():
    with pytest.raises(ValueError, match="resize the image"):
        panels.overlay(picture(), np.zeros((6, 6)))


def test_a_batch_in_place_of_a_picture_is_refused_with_its_remedy():
    with pytest.raises(ValueError, match="one picture"):
        panels.kept(picture()[None], np.ones((12, 10)))
