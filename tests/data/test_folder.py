"""Anybody's folder is read as its table says, and what is wrong in it is said in one sentence."""

import hashlib
import json
import os
import pickle

import numpy as np
import pytest
from PIL import Image

from configs.clothing.clothes import GROUPS
from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import classes_of, picture_of
from xai_jax.data.folder import Flagged, Folder, Listed
from xai_jax.data.pipeline import Pipeline

OUTER = {"outer": ("jacket", "coat"), "hat": ("hat",)}
TABLE = "file,split,classes_present\na.png,train,0 1 3\nb.png,train,hat coat\nc.png,test,0\n"


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def clothes(tmp_path):
    (tmp_path / "labels.csv").write_text(TABLE)
    (tmp_path / "classes.json").write_text(json.dumps(["null", "jacket", "coat", "hat"]))
    for i, name in enumerate("abc"):
        save(tmp_path / "images" / f"{name}.png", np.full((2, 3, 3), 40 * i))
        save(tmp_path / "masks" / f"{name}.png", [[0, 1, 2], [3, 255, 0]])
    return tmp_path


def folder(root, **settings):
    return Folder(root=str(root), **settings)


def test_classes_are_grouped_in_labels_and_masks_alike(clothes):
    rows = folder(clothes, split="train", classes=OUTER).build()
    assert rows.class_names == ("outer", "hat")
    np.testing.assert_array_equal(rows.labels, [[1, 1], [1, 1]])
    # jacket and coat are both class 0, written 1; hat is class 1, written 2; 255 stays void
    np.testing.assert_array_equal(classes_of(rows[0], (3, 2)), [[0, 1, 1], [2, 255, 0]])
    only = folder(clothes, split="train", classes={"coat": ["coat"]}).build()
    np.testing.assert_array_equal(only.labels, [[0], [1]])
    np.testing.assert_array_equal(classes_of(only[0], (3, 2)), [[0, 0, 1], [0, 255, 0]])


def test_a_row_keeps_its_number_in_the_table_whatever_part_is_read(clothes):
    assert [e.row for e in folder(clothes, classes=OUTER).build()] == [0, 1, 2]
    part = folder(clothes, classes={"coat": ["coat"]}, drop_empty=True).build()
    assert [(part[i].row, part[i].target) for i in range(len(part))] == [(1, 0)]
    np.testing.assert_array_equal(np.asarray(picture_of(part[0])), np.full((2, 3, 3), 40))


def test_without_groups_every_class_but_the_background_counts(clothes):
    (clothes / "labels.csv").write_text("file,kind\na.png,1 2 3\n")
    rows = folder(clothes, labels=Listed(column="kind")).build()
    assert rows.class_names == ("jacket", "coat", "hat")
    assert rows[0].target == 0


def test_flags_and_shares_are_classes_above_their_threshold(clothes):
    (clothes / "classes.json").unlink()
    (clothes / "labels.csv").write_text("file,cars,sky\na.png,0.3,0\nb.png,0.05,1\n")
    rows = folder(clothes, labels=Flagged(columns=("cars", "sky"), above=0.1)).build()
    np.testing.assert_array_equal(rows.labels, [[1, 0], [0, 1]])
    np.testing.assert_array_equal(classes_of(rows[0], (3, 2))[0], [0, 1, 2])


def test_names_or_numbers_in_the_table_are_classes_without_a_list_of_them(clothes):
    (clothes / "classes.json").unlink()
    (clothes / "labels.csv").write_text("file,kind\na.png,dog\nb.png,cat\n")
    assert folder(clothes, labels=Listed(column="kind")).build().class_names == ("cat", "dog")
    (clothes / "labels.csv").write_text("file,kind\na.png,10\nb.png,2\n")
    assert folder(clothes, labels=Listed(column="kind")).build().class_names == ("2", "10")


def test_rows_can_be_sent_to_another_process(clothes):
    rows = folder(clothes, classes=OUTER).build()
    again = pickle.loads(pickle.dumps(rows))
    assert again.files == rows.files


def cut(path):
    path.write_bytes(path.read_bytes()[:20])


BAD = {
    "labels.csv is missing": lambda root: (root / "labels.csv").unlink(),
    "labels.csv has no rows": lambda root: (root / "labels.csv").write_text("file,split\n"),
    "has no column 'file'; its columns are a, split": lambda root: (root / "labels.csv").write_text(
        "a,split\nx,train\n"
    ),
    "has no column 'classes_present'": lambda root: (root / "labels.csv").write_text(
        "file,split\na.png,train\n"
    ),
    r"a\.png is missing, and line 2 of .*labels\.csv needs it": lambda root: (
        root / "images" / "a.png"
    ).unlink(),
    r"masks/b\.png is missing, and line 3": lambda root: (root / "masks" / "b.png").unlink(),
    "Line 2 of .*labels.csv names the unknown class 'shoe'": lambda root: (
        root / "labels.csv"
    ).write_text(TABLE.replace("0 1 3", "0 shoe")),
    r"b\.png: It cannot be read as a picture: .*; replace it": lambda root: cut(
        root / "images" / "b.png"
    ),
    r"b\.png has 3 x 2 pixels and its mask 2 x 3": lambda root: save(
        root / "masks" / "b.png", np.zeros((3, 2))
    ),
    "No picture in split 'train' of .* shows the class 'hat'": lambda root: (
        root / "labels.csv"
    ).write_text(TABLE.replace("0 1 3", "1").replace("hat coat", "coat")),
}


def test_a_folder_that_lists_nothing_but_background_has_no_classes(clothes):
    (clothes / "classes.json").unlink()
    (clothes / "labels.csv").write_text("file,classes_present\na.png,0\nb.png,\n")
    sentence = r"has no classes; name them in labels\.csv, or in classes\.json\.$"
    with pytest.raises(ValueError, match=sentence):
        folder(clothes).build()


@pytest.mark.parametrize("name", ["../b.png", "/etc/b.png", "a/../../b.png", "./b.png", ""])
def test_a_table_reaches_no_file_outside_its_folder(clothes, name):
    (clothes / "labels.csv").write_text(TABLE.replace("b.png", name))
    sentence = f"Line 3 of .*labels.csv names the file '{name}', which is no path within .*images; "
    with pytest.raises(ValueError, match=sentence):
        folder(clothes).build()


@pytest.mark.parametrize("sentence", BAD)
def test_what_is_wrong_in_a_folder_is_said_in_one_sentence(clothes, sentence):
    BAD[sentence](clothes)
    with pytest.raises(ValueError, match=sentence) as error:
        folder(clothes, split="train", classes=OUTER).build()
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"split": "tset"}, "has no split 'tset'; choose one of test, train"),
        (
            {"classes": {"a": ["shoe"]}},
            "has no class 'shoe' .wanted for 'a'.; its classes are null",
        ),
        ({"classes": {"a": ["hat"], "b": ["hat"]}}, "'hat' is in two classes"),
        ({"labels": Flagged(columns=("split",))}, "has no number in one of split; write 1"),
        ({"labels": Flagged(columns=("hut",))}, "has no column 'hut'"),
    ],
)
def test_settings_that_do_not_fit_the_folder_are_refused(clothes, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        folder(clothes, **settings).build()


def test_a_colour_picture_is_no_mask(clothes):
    save(clothes / "masks" / "a.png", np.zeros((2, 3, 3)))
    rows = folder(clothes, classes=OUTER).build()
    with pytest.raises(BadPicture, match=r"^Its mask is unusable: It is no mask .Pillow's mode"):
        classes_of(rows[0], (3, 2))
    sentence = r"a\.png: Its mask is unusable: It is no mask .*; replace it, or take its row out"
    with pytest.raises(ValueError, match=sentence):
        next(Pipeline(source=rows, masks="ids").batches(2))


def test_the_clothing_pictures_have_the_labels_that_their_masks_show(shared_data):
    counts = {"train": 703, "validation": 101, "test": 200}
    for split, count in counts.items():
        rows = folder(shared_data / "clothing", split=split, classes=GROUPS).build()
        assert len(rows) == count
    for i in range(0, len(rows), 40):  # the mask is a second source of the labels
        ids = classes_of(rows[i], picture_of(rows[i]).size)
        np.testing.assert_array_equal(np.flatnonzero(rows.labels[i]) + 1, np.unique(ids)[1:])


def test_the_brain_pictures_have_tumours_where_their_masks_do(shared_data):
    settings = {"labels": Flagged(columns=("tumour",))}
    rows = folder(shared_data / "lgg_mri", **settings).build()
    assert (len(rows), int(rows.labels.sum())) == (3929, 1373)
    assert rows.class_names == ("tumour",)
    for i in range(0, len(rows), 400):
        assert classes_of(rows[i], (128, 128)).max() == rows.labels[i, 0]


def test_the_clothing_pictures_become_batches_with_their_masks(shared_data):
    source = folder(shared_data / "clothing", split="validation", classes=GROUPS, drop_empty=True)
    p = Pipeline(
        source=source, resize=Preprocess(height=176, width=96), masks="soft", num_threads=2
    )
    batch = next(p.batches(8))
    assert batch.images.shape == (8, 176, 96, 3) and 0.2 < batch.images.mean() < 0.9
    shown = batch.masks.max((1, 2)) > 0
    np.testing.assert_array_equal(shown, batch.labels > 0)


def test_every_change_of_what_a_folder_holds_changes_the_digest_of_one_file(clothes):
    settings = {"split": "train", "classes": OUTER}
    first = folder(clothes, **settings).build().digests()
    kinds = ["classes.json", "labels.csv"]
    files = [f"{part}/{name}.png" for part in ("images", "masks") for name in "ab"]
    assert list(first) == kinds + files
    assert first["images/a.png"] == sha256((clothes / "images" / "a.png").read_bytes())[:32]

    def changed() -> list[str]:
        now = folder(clothes, **settings).build().digests()
        return [file for file in now if now[file] != first.get(file)]

    save(clothes / "images" / "c.png", np.zeros((2, 3, 3)))  # of another split
    (clothes / "labels.csv").write_text(TABLE.replace("c.png,test,0", "c.png,test,1"))
    assert changed() == []
    for file in files:
        path = clothes / file
        before, stat = path.read_bytes(), path.stat()
        other = bytearray(before)
        other[-1] ^= 1  # as long as before, and no younger
        path.write_bytes(other)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert changed() == [file]
        path.write_bytes(before)
    (clothes / "labels.csv").write_text(TABLE.replace("a.png,train,0 1 3", "a.png,train,0 3"))
    assert changed() == ["labels.csv"]
    (clothes / "labels.csv").write_text(TABLE)
    (clothes / "classes.json").write_text(json.dumps(["null", "jacket", "hat", "coat"]))
    assert changed()[0] == "classes.json"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_pictures_are_called_by_their_file(clothes):
    assert folder(clothes, classes=OUTER).build().names == ("a.png", "b.png", "c.png")


def test_classes_may_be_a_map_of_names_and_numbers(clothes):
    listed = folder(clothes, split="train").build()
    numbers = {"hat": 3, "coat": 2, "jacket": 1, "null": 0}
    (clothes / "classes.json").write_text(json.dumps(numbers))
    mapped = folder(clothes, split="train", classes={n: [n] for n in listed.class_names}).build()
    np.testing.assert_array_equal(mapped.labels, listed.labels)
    np.testing.assert_array_equal(classes_of(mapped[0], (3, 2)), classes_of(listed[0], (3, 2)))
    for wrong in ({"a": -1}, {"a": "b"}, {"a": 1, "b": 1}, ["a", "a"], 5):
        (clothes / "classes.json").write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match="make it a list of the classes"):
            folder(clothes).build()
