"""Tables as spreadsheets, pandas and Macs write them are read alike."""

import codecs
import os
import unicodedata

import pytest

from xai_jax.commands import targets
from xai_jax.data import table

ROWS = [["file", "class"], ["a.png", "café"], ["b, c.png", "tea"]]
PLAIN = 'file,class\na.png,café\n"b, c.png",tea\n'


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        'file, class\na.png, café\n"b, c.png", tea\n'.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("cp1252"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        unicodedata.normalize("NFD", PLAIN).encode(),
        b"file;class\na.png;caf\xe9\nb, c.png;tea\n",
        "file\tclass\na.png\tcafé\nb, c.png\ttea\n".encode(),
        ',file,class\n0,a.png,café\n1,"b, c.png",tea\n'.encode(),
        f"\n{PLAIN}\n,\n".encode(),
    ],
)
def test_every_kind_of_table_has_the_same_rows(content, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    assert [row for _, row in table.read(path)] == ROWS


def test_a_long_cell_is_read_and_lines_keep_their_numbers(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"file,class\n\na,{'x' * 200_000}\n")
    (_, _), (number, row) = table.read(path)
    assert number == 3 and len(row[1]) == 200_000


def read(tmp_path, text, pictures, names=("tea", "café", "3")):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return targets.read_labels(path, names, pictures)


def test_labels_are_found_by_composed_and_decomposed_names(tmp_path):
    composed, apart = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    for in_table in (composed, apart):
        for picture in (composed, apart):
            found = read(tmp_path, f"file,class\n{in_table},café\n", [picture])
            assert found == {picture: 1}


def test_whole_numbers_with_a_point_are_numbers(tmp_path):
    assert read(tmp_path, "file,class\na.png,1.0\n", ["a.png"]) == {"a.png": 1}


def test_a_row_without_a_class_is_named(tmp_path):
    for short in ("a.png", "a.png,"):
        with pytest.raises(ValueError, match=r"Line 3 of .*labels.csv has no class"):
            read(tmp_path, f"file,class\nb.png,1\n{short}\n", ["b.png"])


NUMBERS = ("2", "0", "1")  # names of the classes 0, 1 and 2


@pytest.mark.parametrize(
    ("word", "index"), [("index:1", 1), ("name:1", 2), ("name:2", 0), ("index:2", 2)]
)
def test_an_index_and_a_name_that_is_a_number_are_told_apart(word, index):
    assert targets.class_index(word, NUMBERS) == index


def test_a_number_that_is_both_is_refused_and_one_that_means_the_same_is_taken():
    with pytest.raises(ValueError, match="class 2; write index:1 or name:1"):
        targets.class_index("1", NUMBERS)
    assert targets.class_index("1", ("0", "1", "2")) == 1
    assert targets.class_index("1", ("ant", "bee")) == 1


def test_a_class_is_found_by_composed_and_decomposed_names():
    names = [unicodedata.normalize(form, name) for form, name in (("NFD", "café"), ("NFC", "thé"))]
    assert targets.class_index(unicodedata.normalize("NFC", "Café"), names) == 0
    assert targets.class_index(unicodedata.normalize("NFD", "thé"), names) == 1


def test_one_line_an_object_is_one_class_and_two_classes_are_refused(tmp_path):
    rows = "file,class,left\na.png,tea,3\na.png,0,5\n"
    assert read(tmp_path, rows, ["a.png"]) == {"a.png": 0}
    with pytest.raises(ValueError, match="gives a.png the classes '0' and 'café'; leave one"):
        read(tmp_path, f"{rows}a.png,café,5\n", ["a.png"])


def test_a_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "labels.csv")  # nobody writes into it: a reader would wait without end
    with pytest.raises(ValueError, match=r"labels\.csv is no regular file; save the table"):
        targets.read_labels(tmp_path / "labels.csv", ("tea",), ["a.png"])
