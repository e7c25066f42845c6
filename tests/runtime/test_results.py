"""A run that is read back: its manifest, its summary, its arrays by name."""

import csv
import dataclasses
import os

import fake_run
import numpy as np
import pytest

import xai_jax
from xai_jax.runtime import done, manifest, results, summary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    fake_run.write(out)
    return out


def test_an_unfinished_run_has_the_rows_that_are_done(tmp_path):
    fake_run.write(tmp_path, unfinished=2)
    found = xai_jax.load(tmp_path)
    assert not found.complete
    assert found.rows == (0,)
    assert [row is None for row in found.summary] == [False, False, True, True, True]
    assert np.isnan(found.keep[2]).all()


def test_a_run_that_has_only_begun_has_no_arrays_and_says_so(tmp_path):
    fake_run.manifest().write(tmp_path)
    found = results.load(tmp_path)
    assert found.rows == ()
    with pytest.raises(ValueError, match="holds no 'saliency'; start the run again to go on"):
        _ = found.saliency


def test_an_array_is_asked_for_by_its_name_and_a_wrong_one_is_answered_with_the_nearest(folder):
    found = xai_jax.load(folder)
    assert found.outputs == fake_run.KNOWN
    assert set(found) == set(found.arrays) == set(fake_run.KNOWN)
    assert "curve_kept" in found and "curve_cept" not in found
    for name in ("images", "keep", "saliency", "target"):
        assert getattr(found, name) is found[name]
    with pytest.raises(ValueError, match=r"holds no 'curve_cept'; did you mean 'curve_kept'"):
        _ = found["curve_cept"]


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no manifest\.json; name a folder"):
        xai_jax.load(tmp_path)


def test_a_folder_of_the_earlier_format_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 1, "method": "fido", "pictures": []}')
    with pytest.raises(ValueError, match="not of format 3, .* explain the pictures anew into"):
        xai_jax.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"seed": 1}'])
def test_a_manifest_that_is_none_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json is (damaged|not of)[^\n]*\.$"):
        xai_jax.load(tmp_path)


def test_a_manifest_comes_back_equal_and_writes_the_same_text():
    made = fake_run.manifest()
    again = manifest.Manifest.from_json(made.to_json())
    assert again == made
    assert again.to_json() == made.to_json()
    assert manifest.difference(made, again) is None
    changed = dataclasses.replace(made, digests=tuple(reversed(made.digests)))
    assert manifest.difference(made, changed) is None  # its pictures are explained anew
    assert manifest.difference(made, dataclasses.replace(made, seed=1)) == (
        "seed is 0 there and 1 here"
    )


def test_names_that_are_no_utf8_survive(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    made = fake_run.manifest(1, pictures=(name,))
    made.write(tmp_path)
    assert manifest.read(tmp_path).pictures == (name,)
    summary.write_csv(tmp_path, [summary.Row.skipped(name, "", 'It says "no", twice.')])
    table = (tmp_path / "summary.csv").read_bytes()
    assert b'caf\xe9.jpg,skipped,"It says ""no"", twice."' in table


def test_a_summary_comes_back_and_its_table_has_a_column_for_every_number(tmp_path):
    values = fake_run.arrays(slice(0, 2))
    rows = [
        fake_run.row("a.png", "1f", values, 0),
        summary.Row.skipped("b.png", "", "It is truncated."),
    ]
    undefined = {**rows[0].numbers, "sufficient_area": None}
    rows[0] = dataclasses.replace(rows[0], numbers=undefined)
    done.write(tmp_path, 0, rows, [])
    assert done.read(tmp_path, 0).rows == tuple(rows)
    summary.write_csv(tmp_path, rows)
    first, second = csv.DictReader((tmp_path / "summary.csv").read_text().splitlines())
    assert float(first["log_odds_kept"]) == values["log_odds_kept"][0]
    assert first["sufficient_area"] == second["log_odds_kept"] == ""
    assert "digest" not in first and (second["status"], second["reason"]) == (
        "skipped",
        "It is truncated.",
    )
