"""Folders as people have them: tables by spreadsheets and pandas, masks of black and white."""

import json
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from xai_jax.core.errors import BadPicture
from xai_jax.data.example import classes_of
from xai_jax.data.folder import Flagged, Folder, Listed
from xai_jax.data.masked_folder import MaskedFolder
from xai_jax.data.pipeline import Pipeline

KIND = Listed(column="kind")
MASK = [[0, 1, 0], [1, 1, 0]]


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def made(root, table, *, masks=None, classes=None):
    """A folder of pictures 3 wide and 2 high, for each mask one, and its table."""
    (root / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    for name, mask in (masks or {"a": MASK, "b": MASK}).items():
        save(root / "images" / f"{name}.png", np.zeros((2, 3, 3)))
        if masks:
            save(root / "masks" / f"{name}.png", mask)
    if classes is not None:
        (root / "classes.json").write_text(json.dumps(classes), "utf-8")
    return root


def built(root, **settings):
    return Folder(root=str(root), **{"labels": KIND, **settings}).build()


def shown(rows):
    """The names of the classes of each picture."""
    return {
        name: [rows.class_names[k] for k in np.flatnonzero(labels)]
        for name, labels in zip(rows.names, rows.labels, strict=True)
    }


@pytest.mark.parametrize(
    "table",
    [
        "file;kind\na.png;dog\nb.png;cat\n",
        "file, kind\na.png, dog\nb.png, cat\n",
        ",file,kind\n0,a.png,dog\n1,b.png,cat\n",
        "Unnamed: 0,file,kind\n0,a.png,dog\n1,b.png,cat\n",
        "\ufefffile,kind\na.png,dog\nb.png,cat\n",
        "file,kind\na.png,dog\nb.png,cat\n".encode("utf-16"),
        "note,file,kind\n" + "x" * 200_000 + ",a.png,dog\n,b.png,cat\n",
        "file,kind,\na.png,dog,,\nb.png,cat,\n",
    ],
    ids=["semicolons", "blanks", "index", "named index", "BOM", "UTF-16", "long cell", "commas"],
)
def test_every_kind_of_table_names_the_same_classes(table, tmp_path):
    assert shown(built(made(tmp_path, table))) == {"a.png": ["dog"], "b.png": ["cat"]}


def test_letters_of_windows_are_read(tmp_path):
    made(tmp_path, "file,kind\na.png,caf\xe9\nb.png,tea\n".encode("latin-1"))
    assert shown(built(tmp_path)) == {"a.png": ["café"], "b.png": ["tea"]}


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_table", ["NFC", "NFD"])
def test_accents_in_one_piece_or_two_name_the_same_picture_mask_and_class(
    on_disk, in_table, tmp_path
):
    name = unicodedata.normalize(on_disk, "é")
    table = unicodedata.normalize(in_table, "file,kind\né.png,café\n")
    classes = ["tea", unicodedata.normalize(on_disk, "café")]
    rows = built(made(tmp_path, table, masks={name: MASK}, classes=classes))
    np.testing.assert_array_equal(classes_of(rows[0], (3, 2)), np.array(MASK) * 1)
    assert set(rows.digests()) >= {f"images/{name}.png", f"masks/{name}.png"}
    regions = MaskedFolder(root=str(tmp_path)).build()
    np.testing.assert_array_equal(classes_of(regions[0], (3, 2)), MASK)


def test_numbers_with_a_point_are_numbers(tmp_path):
    made(tmp_path, "file,kind\na.png,3.0\nb.png,0.0 10\n")
    assert shown(built(tmp_path)) == {"a.png": ["3"], "b.png": ["10"]}
    made(tmp_path, "file,kind\na.png,1.0\nb.png,0.0\n", classes=["none", "dog"])
    assert shown(built(tmp_path)) == {"a.png": ["dog"], "b.png": []}


def test_a_line_with_too_few_or_too_many_cells_is_named(tmp_path):
    for line, num in (("b.png", 1), ("b, c.png,dog", 3)):
        made(tmp_path, f"file,kind\na.png,dog\n{line}\n")
        with pytest.raises(ValueError, match=f"Line 3 of .* has {num} cells and not 2 as the head"):
            built(tmp_path)


def test_a_flag_that_is_no_number_is_named(tmp_path):
    for cell in ("nan", "", "yes"):
        made(tmp_path, f"file,dog\na.png,1\nb.png,{cell}\n")
        with pytest.raises(ValueError, match=r"Line 3 of .* has no number in one of dog; write 1"):
            built(tmp_path, labels=Flagged(columns=("dog",)))


def test_a_pipe_is_no_table(tmp_path):
    made(tmp_path, "")
    (tmp_path / "labels.csv").unlink()
    os.mkfifo(tmp_path / "labels.csv")  # nobody writes into it: a reader would wait without end
    with pytest.raises(ValueError, match=r"labels\.csv is missing"):
        built(tmp_path)


OBJECTS = "file,split,kind\na.png,train,dog\nb.png,train,cat\na.png,train,cat\na.png,train,dog\n"


def test_one_line_an_object_is_one_picture_that_shows_what_they_name(tmp_path):
    rows = built(made(tmp_path, OBJECTS), split="train")
    assert shown(rows) == {"a.png": ["cat", "dog"], "b.png": ["cat"]}
    assert rows.rows == (0, 1)  # the number of the first line
    assert MaskedFolder(root=str(made(tmp_path, OBJECTS, masks={"a": MASK, "b": MASK}))).build(
    ).names == ("a.png", "b.png")  # fmt: skip


def test_a_flag_of_any_object_counts(tmp_path):
    made(tmp_path, "file,dog,cat\na.png,1,0\nb.png,0,1\na.png,0,1\n")
    rows = built(tmp_path, labels=Flagged(columns=("dog", "cat")))
    assert shown(rows) == {"a.png": ["dog", "cat"], "b.png": ["cat"]}


NUMBERS = ["2", "0", "1"]  # names of the numbers 0, 1 and 2


def test_a_number_that_is_another_classs_name_is_refused_and_can_be_said_plainly(tmp_path):
    made(tmp_path, "file,kind\na.png,1\nb.png,0\n", classes=NUMBERS)
    sentence = "'1', the number of the class '0' and the name of another one; write index:1 or name"
    with pytest.raises(ValueError, match=f"Line 2 of .* names {sentence}:1"):
        built(tmp_path)
    made(tmp_path, "file,kind\na.png,index:1\nb.png,name:1\n", classes=NUMBERS)
    assert shown(built(tmp_path)) == {"a.png": ["0"], "b.png": ["1"]}
    made(tmp_path, "file,kind\na.png,1\nb.png,0\n", classes=["0", "1"])  # both mean the same
    assert shown(built(tmp_path)) == {"a.png": ["1"], "b.png": []}


def test_flags_are_names_also_where_they_are_numbers(tmp_path):
    made(tmp_path, "file,2,1\na.png,1,0\nb.png,0,1\n")
    rows = built(tmp_path, labels=Flagged(columns=("2", "1")))
    assert shown(rows) == {"a.png": ["2"], "b.png": ["1"]}


TUMOURS = "file,tumour\na.png,1\nb.png,0\n"
TUMOUR = Flagged(columns=("tumour",))


def object_in(root, a, b):
    """Where the object of picture a is, of the masks of a picture with the class and without."""
    rows = built(made(root, TUMOURS, masks={"a": a, "b": b}), labels=TUMOUR)
    return classes_of(rows[0], (3, 2))


@pytest.mark.parametrize("number", [255, 128, 1, 7])
def test_a_mask_of_one_class_may_be_black_and_any_other_grey(number, tmp_path):
    found = object_in(tmp_path, np.array(MASK) * number, np.zeros((2, 3)))
    np.testing.assert_array_equal(found, MASK)


def test_255_stays_void_where_the_class_has_its_number(tmp_path):
    void = [[255, 255, 0], [1, 1, 0]]
    np.testing.assert_array_equal(object_in(tmp_path, void, np.zeros((2, 3))), void)
    grey = [[255, 255, 0], [128, 128, 0]]
    np.testing.assert_array_equal(object_in(tmp_path, grey, np.zeros((2, 3))), void)


def test_255_of_two_classes_is_void(tmp_path):
    made(tmp_path, "file,kind\na.png,1\nb.png,2\n", masks=dict.fromkeys("ab", np.uint8(MASK) * 255))
    np.testing.assert_array_equal(classes_of(built(tmp_path)[0], (3, 2)), np.array(MASK) * 255)


@pytest.mark.parametrize(
    ("mask", "held"), [(np.zeros((2, 3)), "0"), ([[0, 3, 9], [0, 200, 255]], None)]
)
def test_a_mask_without_its_class_is_refused_unless_it_has_void(mask, held, tmp_path):
    if held is None:  # a grey border: which of the numbers is the object?
        assert 1 not in object_in(tmp_path, mask, np.zeros((2, 3)))
        mask = [[0, 3, 9], [0, 200, 0]]
        held = "0, 3, 9, 200"
    sentence = f"has no pixel of the class 'tumour', which its labels name; .* numbers {held}"
    with pytest.raises(BadPicture, match=sentence):
        object_in(tmp_path, mask, np.zeros((2, 3)))
    rows = built(tmp_path, labels=TUMOUR)
    with pytest.raises(ValueError, match=r"a\.png: Its mask has no pixel .*; replace it"):
        next(Pipeline(source=rows, masks="soft").batches(2))
    next(Pipeline(source=rows).batches(2)).images  # noqa: B018  nobody asks for masks: nothing is wrong


def test_masks_of_two_classes_with_numbers_of_neither_are_refused(tmp_path):
    masks = dict.fromkeys("ab", np.uint8(MASK) * 128)
    rows = built(made(tmp_path, "file,kind\na.png,1\nb.png,2\n", masks=masks))
    with pytest.raises(BadPicture, match="no pixel of the class '1', .* the numbers 0, 128"):
        classes_of(rows[0], (3, 2))
