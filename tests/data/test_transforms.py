"""Resizing is the antialiased filter that it is said to be; variations stay within their bounds."""

import colorsys
import dataclasses

import jax
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from xai_jax.core.preprocess import Preprocess
from xai_jax.data import transforms
from xai_jax.data.transforms import Augment, Crops, Warp, rng_of

OFF = {"flip": 0.0, "rotation": 0.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0}
STILL = Augment(**OFF, hue=0.0)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(61, 40), (20, 90), (7, 5)])
def test_resizing_equals_an_antialiased_filter_in_floating_point_to_one_grey_level(resample, size):
    pixels = (80 + noise(*size) // 3).astype(np.uint8)  # what overshoots is not cut off
    preprocess = Preprocess(height=17, width=23, resample=resample)
    ours = transforms.pixels(preprocess, Image.fromarray(pixels))
    method = {"bilinear": "linear", "bicubic": "cubic"}[resample]
    theirs = jax.image.resize(np.float32(pixels), (17, 23, 3), method, antialias=True)
    assert np.abs(ours * 255 - theirs).max() <= 1.01
    assert ours.shape == (17, 23, 3) and ours.dtype == np.float32


def test_a_crop_is_the_largest_centred_part_with_the_sides_of_the_result():
    # 256 and 224 of ImageNet: a square of 0.875 * 100 in the middle of 100 x 300
    left, top, right, bottom = transforms.box(Preprocess(crop=0.875), (300, 100))
    np.testing.assert_allclose([left, top, right, bottom], [106.25, 6.25, 193.75, 93.75])
    # 768 x 256 there, so its middle lies between no two pixels; 873 x 256 here: 324.5 becomes 324
    left, _, right, _ = transforms.box(Preprocess(crop=0.875), (341, 100))
    np.testing.assert_allclose([left, right], np.array([324, 548]) * 341 / 872)
    # 2 : 1 in 300 x 100: the height bounds it
    assert transforms.box(Preprocess(height=10, width=20, crop=1.0), (300, 100)) == (
        50,
        0,
        250,
        100,
    )
    assert transforms.box(Preprocess(), (300, 100)) == (0, 0, 300, 100)


@pytest.mark.parametrize("size", [(341, 256), (500, 375), (375, 500), (224, 300), (60, 47)])
def test_a_crop_takes_the_pixels_that_torchvision_takes(size):
    image = Image.fromarray(noise(*size[::-1]))
    short, (wide, high) = 256, size  # Resize(256), then CenterCrop(224), as torchvision has them
    scaled = (
        (short, int(short * high / wide)) if wide <= high else (int(short * wide / high), short)
    )
    left, top = (int(round((side - 224) / 2.0)) for side in scaled)
    whole = image.resize(scaled, Image.Resampling.BILINEAR)
    theirs = np.asarray(whole.crop((left, top, left + 224, top + 224)))
    ours = transforms.pixels(Preprocess(crop=0.875), image)
    # One grey level, where Pillow's weights of 22 bits meet a half; of noise, half a pixel is 100.
    assert np.abs(ours * 255 - theirs).max() <= 1.01


def test_a_map_of_classes_is_cut_and_resized_as_its_picture_and_invents_no_class():
    ids = np.random.default_rng(0).choice(np.uint8([0, 3, 255]), (40, 60))
    small = transforms.ids(Preprocess(height=20, width=20, crop=1.0), ids)
    np.testing.assert_array_equal(small, ids[1::2, 11:51:2])  # Pillow's nearest: of centres
    assert small.dtype == np.uint8
    large = np.full((4, 4), 1000, np.uint16)
    assert transforms.ids(Preprocess(height=2, width=2), large).tolist() == [[1000, 1000]] * 2


def test_without_variations_a_picture_stays_as_it_is():
    image = Image.fromarray(noise(9, 12))
    ids = np.arange(9 * 12, dtype=np.uint8).reshape(9, 12)
    same, also = STILL(image, ids, rng_of(0, 0, 0))
    np.testing.assert_array_equal(np.asarray(same), np.asarray(image))
    np.testing.assert_array_equal(also, ids)


def varied(pixels, *, num=200, ids=None, **settings):
    augment = Augment(**OFF | {"hue": 0.0} | settings)
    for row in range(num):
        image, moved = augment(Image.fromarray(pixels), ids, rng_of(3, 1, row))
        yield np.asarray(image), moved


def test_half_of_the_pictures_are_mirrored_with_their_masks():
    pixels, ids = noise(6, 8), np.arange(48, dtype=np.uint8).reshape(6, 8)
    mirrored = 0
    for image, moved in varied(pixels, ids=ids, flip=0.5):
        turned = bool((image == pixels[:, ::-1]).all())
        assert turned or (image == pixels).all()
        np.testing.assert_array_equal(moved, ids[:, ::-1] if turned else ids)
        mirrored += turned
    assert 70 <= mirrored <= 130  # 100 +- 4 standard deviations of 7.1


def test_pictures_turn_with_their_masks_by_at_most_the_angle():
    ids = np.zeros((101, 101), np.uint8)
    ids[48:53, 80:85] = 1  # 32 pixels to the right of the centre
    pixels = np.repeat(255 * ids[..., None], 3, -1)
    angles = []
    for image, moved in varied(pixels, ids=ids, rotation=10.0, num=60):
        y, x = np.argwhere(moved == 1).mean(0) - 50
        angles.append(np.degrees(np.arctan2(-y, x)))
        yi, xi = np.argwhere(image[..., 0] > 127).mean(0) - 50
        assert abs(yi - y) < 0.5 and abs(xi - x) < 0.5
    assert 8 < max(angles) < 10.5 and -10.5 < min(angles) < -8


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("brightness", lambda p: p.mean()),
        ("contrast", lambda p: p.std()),
        ("saturation", lambda p: np.ptp(p, axis=-1).mean()),
    ],
)
def test_colours_change_by_at_most_their_factor(name, measure):
    pixels = (100 + noise(16, 16) // 8).astype(np.uint8)  # far from both ends: nothing is clipped
    shares = [
        measure(np.float64(i)) / measure(np.float64(pixels))
        for i, _ in varied(pixels, num=100, **{name: 0.2})
    ]
    assert 0.77 < min(shares) < 0.84 and 1.16 < max(shares) < 1.23


def test_hues_turn_by_at_most_a_tenth_of_the_circle():
    pixels = np.full((2, 2, 3), [200, 40, 40], np.uint8)  # red: hue 0
    hues = [colorsys.rgb_to_hsv(*image[0, 0] / 255)[0] for image, _ in varied(pixels, hue=0.1)]
    signed = (np.array(hues) + 0.5) % 1 - 0.5
    assert 0.085 < signed.max() < 0.105 and -0.105 < signed.min() < -0.085


def test_draws_do_not_depend_on_which_variations_are_on():
    with_mask = next(varied(noise(6, 8), ids=np.zeros((6, 8), np.uint8), brightness=0.2))[0]
    without = next(varied(noise(6, 8), brightness=0.2))[0]
    np.testing.assert_array_equal(with_mask, without)


def test_crops_are_squares_of_every_side_and_place_with_their_masks():
    ids = np.arange(30 * 50, dtype=np.uint16).reshape(30, 50)
    pixels = np.stack([ids // 256, ids % 256, 0 * ids], -1).astype(np.uint8)
    sides, corners, mirrored = set(), set(), 0
    for row in range(200):
        image, part = Crops(smallest=8, largest=12)(Image.fromarray(pixels), ids, rng_of(1, 0, row))
        found = np.asarray(image).astype(int)
        np.testing.assert_array_equal(256 * found[..., 0] + found[..., 1], part)
        assert part.shape[0] == part.shape[1]
        turned = part[0, 0] > part[0, -1]
        first = divmod(int((part[:, ::-1] if turned else part)[0, 0]), 50)
        sides.add(part.shape[0])
        corners.add(first)
        mirrored += turned
    assert sides == {8, 9, 10, 11, 12} and 70 <= mirrored <= 130
    assert min(y for y, _ in corners) < 3 and max(x for _, x in corners) > 35


def test_a_crop_of_a_small_picture_is_as_large_as_it_can_be():
    image, _ = Crops(smallest=8, largest=9, flip=0.0)(
        Image.fromarray(noise(5, 20)), None, rng_of(0, 0, 0)
    )
    assert image.size == (5, 5)


def test_crops_with_their_sides_swapped_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="smallest is 9 and largest 8; swap the two sides"):
        Crops(smallest=9, largest=8)(Image.fromarray(noise(5, 20)), None, rng_of(0, 0, 0))


def test_a_warp_that_changes_nothing_leaves_every_pixel():
    image = Image.fromarray(noise(9, 12))
    still = Warp(rotation=0.0, smallest=1.0, upside_down=0.0, stretch=False)
    varied, ids = still(image, np.arange(108).reshape(9, 12), rng_of(0, 0, 0))
    np.testing.assert_array_equal(varied, image)
    np.testing.assert_array_equal(ids, np.arange(108).reshape(9, 12))
    upside_down = dataclasses.replace(still, upside_down=1.0)
    varied, ids = upside_down(image, np.arange(108).reshape(9, 12), rng_of(0, 0, 0))
    np.testing.assert_array_equal(varied, np.asarray(image)[::-1])
    np.testing.assert_array_equal(ids, np.arange(108).reshape(9, 12)[::-1])


def test_a_warp_samples_the_turned_and_magnified_picture_between_the_pixels():
    image = Image.fromarray(noise(40, 30))
    warp = Warp(upside_down=0.0, stretch=False)
    varied, _ = warp(image, None, rng_of(1, 2, 3))
    turn, across, down, _ = rng_of(1, 2, 3).uniform(0, 1, 4)
    angle = np.radians(5 * (2 * turn - 1))
    # Of the result's pixel (v, u), about the middle; SciPy samples between the same pixels.
    v, u = np.mgrid[:40, :30].astype(float) + 0.5
    u, v = (u - 15) * (0.8 + 0.2 * across), (v - 20) * (0.8 + 0.2 * down)
    x = np.cos(angle) * u + np.sin(angle) * v + 15
    y = -np.sin(angle) * u + np.cos(angle) * v + 20
    pixels = np.asarray(image)[..., 0].astype(float)
    wanted = ndimage.map_coordinates(pixels, [y - 0.5, x - 0.5], order=1, mode="nearest")
    inside = (x > 1) & (x < 29) & (y > 1) & (y < 39)
    assert np.abs(np.asarray(varied)[..., 0] - wanted)[inside].max() <= 1.0


def test_a_warped_picture_spans_black_to_white():
    image = Image.fromarray((60 + noise(20, 20) // 4).astype(np.uint8))
    varied = np.asarray(Warp()(image, None, rng_of(0, 0, 1))[0])
    assert varied.min() == 0 and varied.max() == 255
