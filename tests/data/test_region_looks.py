"""Regions that look otherwise each time, and the one that decides."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit

from xai_jax.data.example import Example
from xai_jax.data.masked_folder import MaskedFolder
from xai_jax.data.part import Part
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.region_looks import Asks, RegionLooks

LUMA = [0.299, 0.587, 0.114]


class Three:
    """Grey pictures of 0.2, 0.4 and 0.6; the last has no sky, the first a void corner."""

    class_names = ("nothing",)
    names = ("a", "b", "c")

    def __len__(self):
        return 3

    def __getitem__(self, row):
        mask = np.zeros((8, 6), np.uint8)
        mask[:3] = 0 if row == 2 else 1
        mask[-1, -1] = 255 if row == 0 else 0
        picture = np.full((8, 6, 3), 51 * (row + 1), np.uint8)
        return Example(
            row=row, name=self.names[row], picture=picture, labels=np.zeros(1), mask=mask
        )


LOOKS = RegionLooks(source=Three(), regions=("road", "sky"), decides="sky", above=0.3)


def test_pictures_without_the_region_are_left_out_and_void_is_a_region():
    found = LOOKS.build()
    assert len(found) == 2 and found.names == ("a", "b") and found.class_names == ("bright sky",)
    assert [found[n].labels[0] for n in range(2)] == [0.0, 1.0]  # 0.2 and 0.4
    first = found[0]
    assert first.regions and first.mask[-1, -1] == 2
    np.testing.assert_array_equal(first.picture, Three()[0].picture)
    assert LOOKS.all_regions == ("road", "sky", "unlabelled")


def test_every_region_has_a_gain_of_its_own_and_the_label_is_of_what_is_shown():
    varied = dataclasses.replace(LOOKS, vary=0.5, num=60).build()
    assert len(varied) == 60 and varied.names[4] == "a (3)" and len(set(varied.names)) == 60
    sky, road = [], []
    for example in varied:
        own = [example.picture[example.mask == k].mean(axis=0) / 255 for k in (1, 0)]
        assert example.labels[0] == (own[0] @ LUMA > 0.3)
        sky.append(own[0].mean())
        road.append(own[1].mean())
    assert 0.2 < np.mean([e.labels[0] for e in varied]) < 0.8
    # The two would be equal without a gain of their own: of rank correlations 60 have 0.13.
    assert abs(np.corrcoef(np.log(sky[::2]), np.log(road[::2]))[0, 1]) < 0.6
    again = dataclasses.replace(LOOKS, vary=0.5, num=9).build()
    np.testing.assert_array_equal(varied[5].picture, again[5].picture)
    assert (varied[5].picture != varied[3].picture).any()  # the same file once more


def test_the_gains_are_those_of_the_picture_and_not_of_its_row():
    """A validation picture is not varied as the training picture in the same row is."""

    class Others(Three):
        names = ("d", "e", "f")

    one, other = (
        dataclasses.replace(LOOKS, source=source, vary=0.5, num=4).build()
        for source in (Three(), Others())
    )
    for here, there in zip(one, other, strict=True):
        assert abs(here.picture.astype(int) - there.picture).max() > 5
    fewer = dataclasses.replace(LOOKS, vary=0.5).build()  # the same pictures, however many follow
    np.testing.assert_array_equal(fewer[1].picture, one[1].picture)


class Stray(Three):
    """A number in a mask that is no region."""

    def __getitem__(self, row):
        example = Three.__getitem__(self, row)
        mask = example.mask.copy()
        mask[0, 0] = 2 if row == 1 else 0
        return dataclasses.replace(example, mask=mask)


def test_a_stray_number_in_a_mask_is_refused_by_the_name_of_its_picture():
    with pytest.raises(ValueError, match="^b: Its mask has the number 2, and the regions are 0 to"):
        dataclasses.replace(LOOKS, source=Stray()).build()


def test_a_graded_label_is_the_logistic_function_of_how_far_the_luma_is_above():
    plain = dataclasses.replace(LOOKS, vary=0.5, num=30).build()
    graded = dataclasses.replace(LOOKS, vary=0.5, num=30, graded=0.1).build()
    for one, other in zip(plain, graded, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)
        luma = (one.picture[one.mask == 1] / 255 @ LUMA).mean()
        np.testing.assert_allclose(other.labels, expit((luma - 0.3) / 0.1), rtol=1e-3)
        assert one.labels[0] == (other.labels[0] > 0.5)


def test_the_share_of_a_region_decides_whatever_it_looks_like():
    found = dataclasses.replace(LOOKS, asks=Asks.SHARE, least=0.0, vary=0.5, num=6).build()
    assert found.class_names == ("much of sky",)
    # 18 of 48 pixels, 18, and none.
    shares = [(example.mask == 1).mean() for example in found]
    np.testing.assert_array_equal([e.labels[0] for e in found], np.array(shares) > 0.3)
    assert {example.labels[0] for example in found} == {0.0, 1.0}


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"decides": "car"}, "'car' is none of the regions road, sky"),
        ({"least": 0.9}, "No picture has 0.9 of sky"),
        ({"source": Part(whole=Three(), rows=(2,)), "least": 0.0}, "No picture has 0.0 of sky"),
    ],
)
def test_what_cannot_decide_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        dataclasses.replace(LOOKS, **changes).build()


def test_a_folder_hands_out_its_masks_as_they_are(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (6, 4), (90, 90, 90)).save(tmp_path / "images" / "a.jpg")
    mask = np.arange(24, dtype=np.uint8).reshape(4, 6) % 2
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    (tmp_path / "labels.csv").write_text("file,split\nb.jpg,validation\na.jpg,train\n")
    folder = MaskedFolder(root=str(tmp_path), split="train")
    looks = dataclasses.replace(LOOKS, source=folder).build()
    (example,) = looks
    assert example.name == "a.jpg" and example.labels[0] == 1.0  # 90 / 255 = 0.35
    np.testing.assert_array_equal(example.mask, mask)
    assert folder.build().rows == (1,)
    _say_what_has_changed(tmp_path, folder, looks)
    with pytest.raises(ValueError, match="b.png is missing; every picture needs a mask"):
        dataclasses.replace(folder, split="").build()


def _say_what_has_changed(root, folder, looks):
    """What a training is resumed on: every file, also of pictures that are varied."""
    first = folder.build().digests()
    assert list(first) == ["labels.csv", "images/a.jpg", "masks/a.png"]
    assert looks.digests() == first
    part = Part(whole=looks, rows=(0,))
    assert Pipeline(source=part).digests() == first
    content = (root / "masks" / "a.png").read_bytes()
    (root / "masks" / "a.png").write_bytes(content + b"\0")
    now = folder.build().digests()
    assert [file for file in first if first[file] != now[file]] == ["masks/a.png"]
    (root / "masks" / "a.png").write_bytes(content)


def test_a_folder_hands_out_our_regions_of_its_classes(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (6, 4), (90, 90, 90)).save(tmp_path / "images" / "a.jpg")
    mask = np.arange(24, dtype=np.uint8).reshape(4, 6) % 5  # 4 is no class
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    (tmp_path / "labels.csv").write_text("file\na.jpg\n")
    (tmp_path / "classes.json").write_text('["null", "hat", "jeans", "pants"]')
    regions = {"trousers": ("pants", "jeans"), "background": ("null",)}
    folder = MaskedFolder(root=str(tmp_path), regions=regions)
    (example,) = folder.build()
    np.testing.assert_array_equal(example.mask, np.array([1, 255, 0, 0, 255])[mask])
    other = dataclasses.replace(folder, regions=regions | {"trousers": ("jeans",)})
    first, now = folder.build().digests(), other.build().digests()
    assert [file for file in first if first[file] != now[file]] == ["classes.json"]
    twice = regions | {"denim": ("jeans",)}
    with pytest.raises(ValueError, match="'jeans' is in two classes"):
        dataclasses.replace(folder, regions=twice).build()
    with pytest.raises(ValueError, match="has no class 'shoes'"):
        dataclasses.replace(folder, regions={"feet": ("shoes",)}).build()
    (tmp_path / "classes.json").unlink()
    with pytest.raises(ValueError, match=r"classes\.json is missing; list the names"):
        folder.build()
