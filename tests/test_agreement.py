"""Two runs side by side, picture by picture, as benchmarks/agreement.py compares them."""

import fake_run
import pytest

import xai_jax
from benchmarks import agreement


def test_a_run_agrees_with_itself_on_the_pictures_that_both_have_explained(tmp_path):
    fake_run.write(tmp_path / "one")
    fake_run.write(tmp_path / "other", unfinished=1, skip=0)
    one, other = (xai_jax.load(tmp_path / name) for name in ("one", "other"))
    assert len(one.rows) == 4 and other.rows == (1, 2, 3)  # 1 is the picture that `one` skips
    classes, maps = agreement.rows(one, other)
    assert "2 pictures" in classes["case"] and classes["value"] == 2
    assert maps["value"] == maps["least"] == pytest.approx(1.0)


def test_maps_of_other_pictures_do_not_agree(tmp_path):
    fake_run.write(tmp_path / "one", skip=4)
    fake_run.write(tmp_path / "other", num_pictures=4, batch_size=4, skip=4)  # drawn otherwise
    rows = agreement.rows(*(xai_jax.load(tmp_path / name) for name in ("one", "other")))
    assert next(rows)["case"].startswith("fido, 4 pictures")
    assert next(rows)["least"] < 0.99


def test_runs_without_a_picture_in_common_are_refused(tmp_path):
    fake_run.write(tmp_path / "one", num_pictures=1, batch_size=1, skip=4)
    fake_run.write(tmp_path / "other", num_pictures=1, batch_size=1, skip=0)
    with pytest.raises(SystemExit, match="have explained no picture in common"):
        next(agreement.rows(*(xai_jax.load(tmp_path / name) for name in ("one", "other"))))
