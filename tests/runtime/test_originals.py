"""The way from a run's folder to its pictures: noted where both can be moved together."""

import json

import pytest

from xai_jax.runtime import originals


def test_pictures_beside_and_below_are_noted_and_linked(tmp_path):
    for place in ("photos", "run/photos", "."):
        folder = tmp_path / place
        (folder / "a b").mkdir(parents=True, exist_ok=True)
        file = folder / "a b" / "50% #1?.png"
        file.touch()
        originals.note(tmp_path / "run", {"a b/50% #1?.png": file})
        link = originals.links(tmp_path / "run")
        way = {"photos": "../photos", "run/photos": "photos", ".": ".."}[place]
        assert originals.read(tmp_path / "run") == way
        assert link("a b/50% #1?.png") == f"{way}/a%20b/50%25%20%231%3F.png"
        assert link("a b/gone.png") is None
        assert link("a" * 300) is None  # longer than a name can be


def test_pictures_far_away_are_not_noted_and_an_older_note_goes(tmp_path):
    run = tmp_path / "results" / "run"
    originals.write(run, tmp_path / "results" / "photos")
    assert originals.read(run) == "../photos"
    originals.note(run, {"x.png": tmp_path / "photos" / "x.png"})
    assert originals.read(run) is None and not (run / originals.NAME).exists()


@pytest.mark.parametrize("way", ["/etc", "../../photos", "a/../../..", 3, None])
def test_a_note_that_leads_elsewhere_is_passed_over(tmp_path, way):
    (tmp_path / originals.NAME).write_text(json.dumps(way))
    (tmp_path / "x.png").touch()
    assert originals.links(tmp_path)("x.png") is None


def test_a_damaged_note_is_passed_over(tmp_path):
    (tmp_path / originals.NAME).write_text("{")
    assert originals.read(tmp_path) is None


def test_a_folder_that_is_called_like_an_address_is_none(tmp_path):
    folder = tmp_path / "javascript:alert(1)"
    folder.mkdir()
    (folder / "x.png").touch()
    originals.write(tmp_path, folder)
    assert originals.links(tmp_path)("x.png") == "javascript%3Aalert%281%29/x.png"
