"""Folders are searched for pictures: all of them, and nothing else."""

import os

import pytest

from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import finding, pictures
from xai_jax.runtime import objects


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_folders_are_searched_in_natural_order_without_hidden_files(tmp_path):
    touch(tmp_path, "10.png", "9.JPG", "b/1.jpeg", "notes.txt", ".hidden.png", ".git/x.png")
    assert list(finding.find([tmp_path])) == ["9.JPG", "10.png", "b/1.jpeg"]


def test_ids_are_paths_below_the_common_folder_and_name_each_file_once(tmp_path):
    touch(tmp_path, "cats/1.png", "dogs/1.png", "dogs/odd.name")
    found = finding.find([tmp_path / "dogs", tmp_path / "cats", tmp_path / "dogs" / "1.png"])
    assert list(found) == ["cats/1.png", "dogs/1.png"]
    assert found["dogs/1.png"] == tmp_path / "dogs" / "1.png"
    assert list(finding.find([tmp_path / "dogs" / "odd.name"])) == ["odd.name"]


def test_a_run_does_not_find_its_own_pictures(tmp_path):
    touch(tmp_path, "1.png", "run/pictures/1.png")
    assert list(finding.find([tmp_path], without=tmp_path / "run")) == ["1.png"]


def test_a_link_that_leads_back_up_ends(tmp_path):
    touch(tmp_path, "a/1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert len(finding.find([tmp_path / "a"])) == 1
    assert len(finding.find([tmp_path / "b"])) == 1


def test_an_empty_folder_and_a_missing_path_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"^No picture in .*; these kinds are looked for: .*\.$"):
        finding.find([tmp_path])
    with pytest.raises(ValueError, match=r"gone\.png does not exist"):
        finding.find([tmp_path / "gone.png"])
    with pytest.raises(ValueError, match="^No picture is named; name pictures, or folders"):
        finding.find([])


def test_a_named_folder_without_pictures_is_said_even_where_others_have_some(tmp_path):
    touch(tmp_path, "a/1.png", "b/notes.txt")
    with pytest.raises(ValueError, match=r"/b holds no picture, though others do; leave it out"):
        finding.find([tmp_path / "a", tmp_path / "b"])
    assert list(finding.find([tmp_path])) == ["1.png"]


def test_phones_kinds_are_looked_for_so_that_none_is_passed_over(tmp_path):
    kinds = "HEIC jfif heif jpe avif TIF tiff jxl j2k mpo apng hif".split()
    touch(tmp_path, *(f"{i}.{kind}" for i, kind in enumerate(kinds)))
    assert len(finding.find([tmp_path])) == len(kinds)
    with pytest.raises(BadPicture, match="no known picture format"):
        pictures.read(tmp_path / "0.HEIC", Preprocess())


RESULTS = ("old/pictures/1.png", "old/manifest.json", "old/batches/0.json")


def test_the_sheets_of_another_run_are_no_pictures(tmp_path):
    touch(tmp_path, "1.png", *RESULTS, *(f"scores/{name}" for name in RESULTS))
    assert list(finding.find([tmp_path])) == ["1.png"]
    touch(tmp_path, "more/manifest.json", "more/2.png")  # which is no folder of results
    assert list(finding.find([tmp_path])) == ["1.png", "more/2.png"]


def test_the_sheets_of_another_run_are_no_pictures_in_a_store_either(monkeypatch):
    found = ["1.png", "own/9.png", ".git/x.png", *RESULTS, "more/manifest.json", "more/2.png"]
    top = objects.named("s3://bucket/all")
    monkeypatch.setattr(objects.ObjectPath, "below", lambda self: iter(self / n for n in found))
    pictures_of = finding.find([top], without=top / "own")
    assert list(pictures_of) == ["1.png", "more/2.png"]


def test_a_pipe_is_found_and_refused_by_whoever_reads_it(tmp_path):
    touch(tmp_path, "1.png")
    os.mkfifo(tmp_path / "2.png")
    assert list(finding.find([tmp_path])) == ["1.png", "2.png"]
    with pytest.raises(BadPicture, match="It is no regular file"):
        pictures.read(tmp_path / "2.png", Preprocess())
