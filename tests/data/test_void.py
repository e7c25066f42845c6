"""Void, where people did not decide what is there: in the masks of a batch it does not count."""

import numpy as np
import pytest
from archives import SIZE, make_voc, save, write

from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.example import Example
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.pipeline import Pipeline

LARGE = (12, 16)
IDS = np.zeros(LARGE, np.uint8)
IDS[:6, :8], IDS[6:, 8:] = 2, 255  # class 1, and void


class One:
    """One picture of the classes that are asked for, drawn by `IDS` or by a box."""

    names = ("it",)

    def __init__(self, labels=(0, 1, 0), ids=IDS, boxes=None):
        self.class_names = tuple(map(str, range(len(labels))))
        self._known = {"labels": np.float32(labels), "mask": ids, "boxes": boxes}

    def __len__(self):
        return 1

    def __getitem__(self, i):
        picture = np.zeros((*LARGE, 3), np.uint8)
        return Example(row=i, name="it", picture=picture, **self._known)


def batch(source, masks, height=6, width=8, **settings):
    resize = Preprocess(height=height, width=width)
    pipeline = Pipeline(source=source, resize=resize, masks=masks, num_threads=1, **settings)
    return next(pipeline.batches(1))


# Pillow's triangle filter at half the size: an output pixel is 1, 3, 3, 1 eighths of four in a row.
# Of output row 2 (input rows 3 to 6) seven eighths are above the middle, of row 3 one eighth.
ABOVE = np.array([1, 1, 7 / 8, 1 / 8, 0, 0])[:, None]
LEFT = np.array([1, 1, 1, 7 / 8, 1 / 8, 0, 0, 0])[None]


@pytest.mark.parametrize("masks", ["soft", "union"])
def test_the_share_of_a_pixel_that_is_not_void_counts_and_is_what_a_class_covers(masks):
    found = batch(One(), masks)
    not_void = 1 - (1 - ABOVE) * (1 - LEFT)
    assert found.counted.shape == (1, 6, 8, 1) and found.counted.dtype == np.float32
    np.testing.assert_allclose(found.counted[0, ..., 0], not_void, atol=1e-6)
    assert (found.counted[0, 4:, 5:] == 0).all() and (found.counted[0, :2] == 1).all()
    shown = found.masks[0, ..., 1 if masks == "soft" else 0]
    known = np.where(not_void > 0, ABOVE * LEFT / np.maximum(not_void, 1e-9), 0)
    np.testing.assert_allclose(shown, known, atol=1e-6)
    assert found.masks.max() <= 1 and found.masks.dtype == np.float32
    if masks == "soft":
        assert (found.masks[..., [0, 2]] == 0).all()


def test_an_object_that_ends_in_void_fills_what_is_known_of_the_pixels_at_its_border():
    ids = np.full(LARGE, 255, np.uint8)
    ids[:, :8] = 2
    found = batch(One(ids=ids), "union")
    np.testing.assert_allclose(found.counted[0, 0, :, 0], LEFT[0], atol=1e-6)
    np.testing.assert_allclose(found.masks[0, 0, :, 0], LEFT[0] > 0, atol=1e-6)


@pytest.mark.parametrize("masks", ["soft", "union"])
def test_without_void_all_counts_and_masks_are_the_shares_that_they_are(masks):
    ids = np.where(IDS == 255, 0, IDS)
    found = batch(One(ids=ids), masks)
    assert (found.counted == 1).all() and found.counted.shape == (1, 6, 8, 1)
    shown = found.masks[0, ..., 1 if masks == "soft" else 0]
    np.testing.assert_allclose(shown, ABOVE * LEFT, atol=1e-6)


def test_what_an_object_or_void_touches_is_all_object_where_that_is_asked_for():
    found = batch(One(), "union", void_is_object=True)
    assert found.counted is None and found.masks.dtype == np.float32
    # The object reaches four rows and five columns from the top left, void from the bottom right.
    expected = np.zeros((6, 8))
    expected[:4, :5] = expected[2:, 3:] = 1
    np.testing.assert_array_equal(found.masks[0, ..., 0], expected)


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (24, 32), (7, 9)])
def test_where_void_is_object_a_pixel_is_all_object_or_all_background_at_any_size(size):
    found = batch(One(ids=np.where(IDS == 2, 0, IDS)), "union", *size, void_is_object=True)
    soft = batch(One(ids=np.where(IDS == 255, 2, 0)), "union", *size).masks
    np.testing.assert_array_equal(found.masks, soft > 1e-6)
    assert ((soft > 0.01) & (soft < 0.99)).any() and 0 < found.masks.mean() < 1


@pytest.mark.parametrize("masks", ["none", "ids", "soft"])
def test_void_is_the_object_of_no_single_class(masks):
    with pytest.raises(ValueError, match=f"void_is_object does not go with masks='{masks}', since"):
        batch(One(), masks, void_is_object=True)


def test_a_box_leaves_nothing_void_whatever_the_number_of_its_class():
    labels = np.eye(1000)[254]  # written 255
    boxes = np.float32([[0, 0, 0.5, 0.5]])
    for masks, channel in {"union": 0, "soft": 254}.items():
        found = batch(One(labels, ids=None, boxes=boxes), masks, *LARGE)
        assert (found.counted == 1).all()
        np.testing.assert_array_equal(found.masks[0, ..., channel], IDS == 2)


def test_void_in_the_masks_of_a_folder_does_not_count(tmp_path):
    write(tmp_path / "labels.csv", "file,kind\na.png,1\nb.png,1 2\n")
    save(tmp_path / "images" / "a.png", np.zeros((2, 3, 3)))
    save(tmp_path / "images" / "b.png", np.zeros((2, 3, 3)))
    save(tmp_path / "masks" / "a.png", np.array([[0, 1, 2], [1, 255, 255]]))
    save(tmp_path / "masks" / "b.png", np.array([[0, 1, 2], [1, 0, 0]]))
    source = Folder(root=str(tmp_path), labels=Listed(column="kind"))
    resize = Preprocess(height=2, width=3)
    found = next(Pipeline(source=source, resize=resize, masks="union").batches(2))
    counted = [[[1, 1, 1], [1, 0, 0]], [[1, 1, 1], [1, 1, 1]]]
    np.testing.assert_array_equal(found.counted[..., 0], counted)
    # The class 2 is not one of picture a, whose mask shows it all the same.
    np.testing.assert_array_equal(found.masks[0, ..., 0], [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(found.masks[1, ..., 0], [[0, 1, 1], [1, 0, 0]])


def test_of_a_picture_of_voc_that_was_not_segmented_nothing_counts(tmp_path):
    make_voc(tmp_path)
    for kind in ("Main", "Segmentation"):
        for part in ("train", "val", "test"):
            listed = tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets" / kind / f"{part}.txt"
            write(listed, "1\n2")
    home = str(tmp_path / "prepared")
    catalog.prepare(catalog.VOC2007, archives=str(tmp_path), data_dir=home)
    source = catalog.Tfds(spec=catalog.VOC2007, split="train", data_dir=home)
    resize = Preprocess(height=SIZE[1], width=SIZE[0])
    found = next(Pipeline(source=source, resize=resize, masks="soft").batches(2))
    counted = np.ones((6, 8))
    counted[5] = 0  # the border
    np.testing.assert_array_equal(found.counted[..., 0], [counted, np.zeros((6, 8))])
    assert not found.masks[1].any() and found.masks[0, :3, :4, 14].all()
