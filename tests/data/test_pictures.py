"""Pictures of every kind become the same squares, and broken ones say why they do not."""

import contextlib
import os
import pathlib
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import pictures, transforms

WHOLE = Preprocess(height=8, width=8, crop=1.0)
ROOT = pathlib.Path(__file__).parents[2]


def gradient(mode: str = "RGB", size: tuple[int, int] = (8, 8)) -> Image.Image:
    """Red rises to the right, green downwards, blue is constant."""
    x = np.linspace(0, 255, size[0])[None, :].repeat(size[1], 0)
    y = np.linspace(0, 255, size[1])[:, None].repeat(size[0], 1)
    pixels = np.stack([x, y, np.full_like(x, 51)], -1).round().astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(folder, image: Image.Image, name: str, **options) -> pathlib.Path:
    path = folder / name
    image.save(path, **options)
    return path


def test_a_picture_of_the_wanted_size_comes_back_pixel_by_pixel_in_unit_range(tmp_path):
    image = gradient()
    read = pictures.read(saved(tmp_path, image, "a.png"), WHOLE)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, np.asarray(image, np.float32) / 255)


def test_shrinking_averages_over_the_area_that_becomes_one_pixel(tmp_path):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255  # sampling single pixels would give all black or all white
    read = pictures.read(saved(tmp_path, Image.fromarray(stripes), "a.png"), WHOLE)
    np.testing.assert_allclose(read[:, 1:-1], 0.5, atol=1.5 / 255)


def test_the_square_is_the_centre_of_the_picture_and_spans_the_crop(tmp_path):
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16, 0] = 200
    path = saved(tmp_path, Image.fromarray(wide), "a.png")
    np.testing.assert_array_equal(pictures.read(path, WHOLE)[..., 0], np.float32(200 / 255))
    image = gradient(size=(16, 16))
    half = pictures.read(saved(tmp_path, image, "b.png"), Preprocess(height=8, width=8, crop=0.5))
    np.testing.assert_array_equal(half, np.asarray(image, np.float32)[4:12, 4:12] / 255)


# EXIF 2.3, tag 0x0112: which side of the scene row 0 and column 0 of the file are.
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def lying(scene: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    """The picture as a camera that was held so stores it, with the tag that says so."""
    stored = np.asarray(scene)
    if "bottom" in SIDES[orientation]:
        stored = stored[::-1]
    if "right" in SIDES[orientation]:
        stored = stored[:, ::-1]
    if SIDES[orientation][0] in ("left", "right"):
        stored = stored.transpose(1, 0, 2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return Image.fromarray(stored), exif


@pytest.mark.parametrize("orientation", SIDES)
def test_a_photograph_that_was_taken_on_its_side_stands_upright(tmp_path, orientation):
    scene = np.asarray(gradient(size=(12, 8)))
    stored, exif = lying(Image.fromarray(scene), orientation)
    for name in ("a.png", "a.jpg"):
        path = saved(tmp_path, stored, name, exif=exif, quality=100, subsampling=0)
        wanted = scene.astype(np.float32)[:, 2:10] / 255  # the centre square
        np.testing.assert_allclose(pictures.read(path, WHOLE), wanted, atol=0.03)
        upright = pictures.read(path, Preprocess(height=8, width=12))
        np.testing.assert_allclose(upright, scene.astype(np.float32) / 255, atol=0.03)


@pytest.mark.parametrize("crop", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("size", [(40, 61), (90, 20)])
def test_a_picture_is_read_for_use_as_the_pipeline_reads_it_for_training(tmp_path, size, crop):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), "a.png")
    preprocess = Preprocess(height=17, width=9, crop=crop, resample="bicubic")
    trained_on = transforms.pixels(preprocess, pictures.whole(path))
    assert trained_on.shape == (17, 9, 3)
    np.testing.assert_array_equal(pictures.read(path, preprocess), trained_on)


def test_grey_palette_and_black_and_white_pictures_become_rgb(tmp_path):
    grey = gradient("L")
    read = pictures.read(saved(tmp_path, grey, "grey.png"), WHOLE)
    np.testing.assert_array_equal(read, np.asarray(grey, np.float32)[..., None].repeat(3, 2) / 255)
    palette = gradient().quantize(16)
    read = pictures.read(saved(tmp_path, palette, "palette.gif"), WHOLE)
    np.testing.assert_array_equal(read, np.asarray(palette.convert("RGB"), np.float32) / 255)
    read = pictures.read(saved(tmp_path, grey.convert("1"), "bits.png"), WHOLE)
    assert set(np.unique(read)) == {0.0, 1.0}


def test_sixteen_bits_a_channel_are_scaled_and_not_cut_off(tmp_path):
    values = np.linspace(0, 65535, 64).reshape(8, 8).round().astype(np.uint16)
    for name in ("a.png", "a.tif"):
        read = pictures.read(saved(tmp_path, Image.fromarray(values), name), WHOLE)
        np.testing.assert_allclose(read[..., 0], values / 65535, atol=0.51 / 255)
        assert (read == read[..., :1]).all()


def test_cmyk_pictures_have_the_right_colours(tmp_path):
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[..., 0] = 255  # all cyan: no red
    image = Image.frombytes("CMYK", (16, 16), inks.tobytes())
    for name in ("a.jpg", "a.tif"):
        read = pictures.read(saved(tmp_path, image, name), WHOLE)
        np.testing.assert_allclose(read, np.broadcast_to([0.0, 1.0, 1.0], read.shape), atol=3 / 255)


def test_what_is_transparent_lies_on_white_and_its_hidden_colour_does_not_show(tmp_path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 0] = 255  # red everywhere, even where it is invisible
    pixels[:8, :, 3] = 255
    pixels[8:, :, 3] = 0
    read = pictures.read(saved(tmp_path, Image.fromarray(pixels), "a.png"), WHOLE)
    np.testing.assert_array_equal(read[:3], np.broadcast_to([1.0, 0.0, 0.0], (3, 8, 3)))
    np.testing.assert_array_equal(read[5:], np.ones((3, 8, 3)))
    grey = Image.new("LA", (8, 8), (0, 128))
    np.testing.assert_allclose(
        pictures.read(saved(tmp_path, grey, "b.png"), WHOLE), 127 / 255, atol=1.5 / 255
    )
    see_through = gradient().quantize(4)
    see_through.info["transparency"] = bytes([0, 0, 0, 0])
    path = saved(tmp_path, see_through, "c.png", transparency=bytes([0, 0, 0, 0]))
    np.testing.assert_array_equal(pictures.read(path, WHOLE), np.ones((8, 8, 3)))


def test_colour_profiles_are_ignored(tmp_path):
    image = gradient()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = pictures.read(saved(tmp_path, image, "a.png"), WHOLE)
    np.testing.assert_array_equal(
        pictures.read(saved(tmp_path, image, "b.png", icc_profile=profile), WHOLE), plain
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 3)])
def test_a_picture_of_a_single_pixel_or_line_is_read(tmp_path, size):
    path = saved(tmp_path, Image.new("RGB", size, (255, 0, 51)), "a.png")
    read = pictures.read(path, Preprocess(height=32, width=32, crop=0.875))
    np.testing.assert_allclose(read, np.broadcast_to([1.0, 0.0, 0.2], (32, 32, 3)), atol=1e-6)


@pytest.mark.parametrize("sides", [(64, 64), (64, 96), (20, 64)])
def test_a_large_jpeg_decoded_at_a_smaller_scale_looks_as_if_it_were_not(tmp_path, sides):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8))
    large = small.resize((1536, 1536), Image.Resampling.BICUBIC)
    path = saved(tmp_path, large, "a.jpg", quality=95)
    wanted = Image.open(path).resize(sides, Image.Resampling.BILINEAR)
    read = pictures.read(path, Preprocess(width=sides[0], height=sides[1]))
    assert np.abs(read - np.asarray(wanted, np.float32) / 255).max() < 4 / 255


_IN_LITTLE_MEMORY = """
import resource, sys, threading
from pathlib import Path
import numpy as np
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import pictures
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
square = pictures.read(Path(sys.argv[1]), Preprocess(crop=0.875))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, square.mean())
"""


def test_a_jpeg_of_20_000_pixels_is_read_in_a_tenth_of_its_memory(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (20_000, 10_000), (255, 0, 0)), "a.jpg")
    command = [sys.executable, "-c", _IN_LITTLE_MEMORY, str(path)]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    kilobytes, mean = out.split()
    assert int(kilobytes) * 1024 < 20_000 * 10_000 * 3 / 10
    assert abs(float(mean) - 1 / 3) < 0.01


def test_a_picture_too_large_to_decode_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = saved(tmp_path, Image.new("1", (30_000, 20_000)), "a.png")
    guard = Image.MAX_IMAGE_PIXELS
    with pytest.raises(BadPicture, match="30000 x 20000 pixels, more than 500,000,000"):
        pictures.read(path, WHOLE)
    assert guard == Image.MAX_IMAGE_PIXELS  # Pillow's guard is the user's


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.gif", "a.bmp"])
def test_a_truncated_picture_is_refused_in_one_sentence(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadPicture, match=r"^It cannot be read as a picture: [^\n]+[^.]\.$"):
        pictures.read(path, WHOLE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no known picture format"),
        (b"<html>not found</html>", "no known picture format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "."),
        (b"\xff\xd8\xff\xe0" + os.urandom(200), "."),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(BadPicture, match=reason) as error:
        pictures.read(path, WHOLE)
    assert str(error.value).startswith("It cannot be read as a picture: ")
    assert "\n" not in str(error.value)


OPENED = {"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"}


@pytest.mark.parametrize("kind", sorted(OPENED))
def test_a_listed_kind_is_told_by_its_content_whatever_the_suffix(tmp_path, kind):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow writes no {kind}")
    grey = Image.new("RGB", (8, 8), (153, 153, 153))
    more = {"save_all": True, "append_images": [grey]} if kind == "MPO" else {}
    read = pictures.read(saved(tmp_path, grey, "a.gif", format=kind, **more), WHOLE)
    np.testing.assert_allclose(read, 0.6, atol=2 / 255)


def other_kinds() -> list[str]:
    Image.init()
    return sorted(set(Image.SAVE) - OPENED - {"PDF"})  # which Pillow only writes


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", other_kinds())
def test_no_other_kind_is_opened_under_the_name_of_a_listed_one(tmp_path, monkeypatch, kind):
    # Pillow's SPIDER writer makes every later .jpg of the process a SPIDER file.
    monkeypatch.setattr(Image, "EXTENSION", dict(Image.EXTENSION))
    path = tmp_path / "a.jpg"
    for mode in ("RGB", "L", "1", "RGBA"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            gradient(mode).save(path, format=kind)
            break
    else:
        pytest.skip(f"this Pillow writes no {kind}")
    for read in (
        lambda file: pictures.read(file, WHOLE),
        pictures.whole,
        pictures.class_ids,
        pictures.upright_size,
        pictures.stored_size,
    ):
        for file in (path, path.read_bytes()):
            with pytest.raises(BadPicture, match="its content is of no known picture format"):
                read(file)


def test_every_picture_is_opened_in_one_place():
    sources = {path: path.read_text() for path in (ROOT / "xai_jax").rglob("*.py")}
    opening = [path.name for path, source in sources.items() if "Image.open(" in source]
    assert opening == ["pictures.py"]


def test_floating_point_pictures_have_no_known_range_and_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.ones((8, 8), np.float32)), "a.tif")
    with pytest.raises(BadPicture, match="no known range"):
        pictures.read(path, WHOLE)


def test_a_missing_file_is_refused_by_the_reason(tmp_path):
    with pytest.raises(BadPicture, match="No such file or directory"):
        pictures.read(tmp_path / "gone.png", WHOLE)


def test_a_whole_picture_keeps_its_size_stands_upright_and_lies_on_white(tmp_path):
    scene = gradient(size=(12, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # row 0 is the right of the scene
    path = saved(tmp_path, scene.transpose(Image.Transpose.ROTATE_90), "a.png", exif=exif)
    for file in (path, path.read_bytes()):
        np.testing.assert_array_equal(np.asarray(pictures.whole(file)), np.asarray(scene))
        assert pictures.upright_size(file) == (12, 8)
    unseen = saved(tmp_path, Image.new("RGBA", (4, 2), (255, 0, 0, 0)), "b.png")
    np.testing.assert_array_equal(np.asarray(pictures.whole(unseen)), np.full((2, 4, 3), 255))


def test_the_numbers_of_a_mask_are_grey_levels_or_places_in_a_palette(tmp_path):
    ids = np.uint8([[0, 1, 255], [2, 2, 3]])
    palette = Image.frombytes("P", (3, 2), ids.tobytes())
    palette.putpalette([255, 0, 0, 9, 9, 9] * 128)
    for name, image in {"grey.png": Image.fromarray(ids), "palette.png": palette}.items():
        np.testing.assert_array_equal(pictures.class_ids(saved(tmp_path, image, name)), ids)
    bits = saved(tmp_path, Image.fromarray(ids == 2), "bits.png")
    np.testing.assert_array_equal(pictures.class_ids(bits), ids == 2)
    with pytest.raises(BadPicture, match="It is no mask"):
        pictures.class_ids(saved(tmp_path, gradient(), "rgb.png"))


@pytest.mark.parametrize("orientation", SIDES)
def test_a_tiff_that_lies_is_turned_once(tmp_path, orientation):
    scene = gradient(size=(12, 8))
    stored, exif = lying(scene, orientation)
    path = saved(tmp_path, stored, "a.tif", exif=exif)
    expected = saved(tmp_path, scene, "b.tif")
    assert pictures.upright_size(path) == (12, 8)
    np.testing.assert_array_equal(pictures.whole(path), pictures.whole(expected))
    seen = Preprocess(height=4, width=6)
    np.testing.assert_array_equal(pictures.read(path, seen), pictures.read(expected, seen))


def tagged(value: int | bytes) -> bytes:
    """An EXIF block with one tag, the orientation: a number, or text of up to four letters."""
    kind, content = (2, value) if isinstance(value, bytes) else (3, value.to_bytes(2, "little"))
    entry = struct.pack("<HHI4s", 0x0112, kind, len(value) if kind == 2 else 1, content)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("value", [0, 9, 300, b"6\0", b"top\0"])
def test_an_orientation_that_makes_no_sense_leaves_the_picture_as_it_is(tmp_path, name, value):
    scene = gradient(size=(12, 8))
    plain = pictures.whole(saved(tmp_path, scene, f"plain{name[1:]}", quality=100))
    about = {"exif": tagged(value)}
    if name == "a.tif" and isinstance(value, bytes):  # which Pillow has another way to write
        about = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
        about["tiffinfo"].tagtype[0x0112] = 2
        about["tiffinfo"][0x0112] = value.decode().rstrip("\0")
    path = saved(tmp_path, scene, name, quality=100, **about)
    assert pictures.upright_size(path) == (12, 8)
    np.testing.assert_array_equal(pictures.whole(path), plain)
    assert pictures.read(path, WHOLE).shape == (8, 8, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # so says Pillow, and goes on
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0" + b"\xff" * 8])
def test_a_damaged_tag_leaves_the_picture_as_it_is(tmp_path, exif):
    path = saved(tmp_path, gradient(size=(12, 8)), "a.jpg", exif=exif)
    assert pictures.whole(path).size == (12, 8)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    ],
)
def test_a_kind_that_is_known_and_not_read_is_called_by_its_name(tmp_path, head, kind):
    path = tmp_path / "a.heic"
    path.write_bytes(head + bytes(100))
    for file in (path, path.read_bytes()):
        with pytest.raises(BadPicture, match=f"It is a picture in {kind}, which is not read here;"):
            pictures.read(file, WHOLE)


def test_a_damaged_picture_of_a_kind_that_is_read_is_not_said_to_be_of_another(tmp_path):
    for head in (b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypisom"):
        (tmp_path / "a.avif").write_bytes(head + bytes(100))
        with pytest.raises(BadPicture, match="It cannot be read as a picture: "):
            pictures.read(tmp_path / "a.avif", WHOLE)
