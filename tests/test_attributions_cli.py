"""Attributions by the command line: written without a `keep`, refused before anything is."""

import numpy as np
import pytest
import tiny_cli
import tiny_run
from tiny_cli import PLANTED, only_sentence

import xai_jax


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), 2)


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def test_a_map_without_a_mask_is_written_and_read_again(run, folder, tmp_path):
    code, said, wrong = run("explain", folder, *PLANTED, "--method", "gradcam", "--out", tmp_path)
    assert code == 0 and said.strip().endswith("report.html"), wrong
    found = xai_jax.load(tmp_path)
    assert {"saliency", "peak"} <= set(found.arrays) and "keep" not in found.arrays
    assert np.isfinite(np.asarray(found.arrays["saliency"])).all()


def test_what_cannot_be_explained_is_one_sentence_and_leaves_nothing(run, folder, tmp_path):
    out = tmp_path / "run"
    method = ("--method", "prediction_difference", "--preset", "fast")
    refused = run("explain", folder, *PLANTED, *method, "--out", out)
    assert "window 32 is larger than the picture's side of 16 pixels" in only_sentence(*refused)
    assert not out.exists() or not any(out.iterdir())
