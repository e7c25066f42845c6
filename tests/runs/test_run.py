"""A batch run leaves the right rows, whole or absent, whatever happens to it."""

import csv
import dataclasses
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gradient_map
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import tiny_run
import zarr
from PIL import Image

import xai_jax.api
from xai_jax import report
from xai_jax.core import targets
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.rng import image_ids
from xai_jax.data import finding, pictures
from xai_jax.infills.constant import Constant
from xai_jax.metrics.fidelity import fidelity
from xai_jax.runs import batch as batches
from xai_jax.runs import record, run
from xai_jax.runs.sources import Files
from xai_jax.runtime import files, results

PROGRAM = Path(tiny_run.__file__)
ROOT = PROGRAM.parents[1]
NUM = 7  # pictures: four batches, the last of them padded


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    assert tiny_run.counts(tiny_run.explain(folder, out)) == (NUM, 0)
    return out


def test_each_row_is_the_explanation_of_its_picture(folder, finished):
    found = results.load(finished)
    assert found.manifest.pictures == tuple(f"{i}.png" for i in range(NUM))
    images = np.stack(
        [pictures.read(folder / name, tiny_run.PREPROCESS) for name in found.manifest.pictures]
    )
    classifier = planted.quadrant()
    alone = xai_jax.api.explain(
        classifier,
        images,
        method=tiny_run.METHOD,
        infill=Constant(value=planted.DARK).build(classifier),
        batch_size=NUM,
        metrics=[fidelity()],
    )
    np.testing.assert_array_equal(found.target, np.arange(NUM) % 4)  # the planted classes
    np.testing.assert_array_equal(np.asarray(found.images), np.round(images * 255))
    np.testing.assert_allclose(found.keep, alone.keep, atol=1e-5)
    np.testing.assert_allclose(found.saliency, alone.saliency, atol=1e-5)
    for name in ("objective", *(row.name for row in fidelity().rows)):
        np.testing.assert_allclose(found[name], alone.numbers[name], atol=1e-4, err_msg=name)


def test_the_summary_has_a_line_a_picture_with_names_and_log_odds(finished):
    found = results.load(finished)
    with open(finished / "summary.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["picture"] for line in lines] == list(found.manifest.pictures)
    for i, line in enumerate(lines):
        assert (line["status"], line["target"]) == ("done", str(i % 4))
        assert line["target_name"] == line["predicted_name"] == tiny_run.NAMES[i % 4]
        kept = float(found["log_odds_kept"][i])
        assert float(line["log_odds_kept"]) == pytest.approx(kept, rel=1e-5)
        assert float(line["kept_area"]) == pytest.approx(found.keep[i].mean(), rel=1e-5)
        first = int(np.argmax(found["curve_kept"][i] >= 0))
        assert float(line["sufficient_area"]) == pytest.approx(found.areas[first])
        assert (finished / "pictures" / f"{i}.png").is_file()


def test_the_zarr_library_reads_the_same_numbers_in_chunks_of_a_batch(finished):
    found = results.load(finished)
    group = zarr.open_group(finished / "explanations.zarr", mode="r")
    assert group.attrs["areas"] == list(found.areas)
    assert {"keep", "saliency", "target", "images", "objective"} <= set(group.keys())
    for name, array in found.arrays.items():
        np.testing.assert_array_equal(group[name][:], np.asarray(array))
        assert group[name].chunks == (tiny_run.BATCH, *array.shape[1:])
        assert group[name].dtype == array.dtype


def test_the_manifest_holds_every_setting_and_no_time(finished):
    content = json.loads((finished / "manifest.json").read_text())
    assert content["config"]["num_steps"] == 6
    assert content["config"]["game"] == "ssr"
    assert content["seed"] == 0
    assert content["weights_sha256"] == "0" * 64


def test_two_runs_with_one_seed_leave_the_same_bytes_and_another_seed_does_not(
    folder, finished, tmp_path
):
    tiny_run.explain(folder, tmp_path / "again")
    assert tiny_run.hashes(tmp_path / "again") == tiny_run.hashes(finished)
    tiny_run.explain(folder, tmp_path / "other", seed=1)
    other = tiny_run.hashes(tmp_path / "other")
    chunk = "explanations.zarr/keep/c/0/0/0/0"
    assert other[chunk] != tiny_run.hashes(finished)[chunk]


def test_a_finished_run_computes_nothing_again(folder, finished, monkeypatch):
    before = tiny_run.hashes(finished)
    monkeypatch.setattr(batches, "explain_batch", None)  # calling it would fail
    progress = tiny_run.Silent()
    assert tiny_run.explain(folder, finished, progress=progress).done == NUM
    assert (progress.total, progress.done) == (NUM, NUM)
    assert tiny_run.hashes(finished) == before


def test_a_second_start_computes_only_the_batches_that_are_missing(
    folder, finished, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    calls = []
    explain_batch = batches.explain_batch

    def stopping(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return explain_batch(*args)

    monkeypatch.setattr(batches, "explain_batch", stopping)
    with pytest.raises(KeyboardInterrupt):
        tiny_run.explain(folder, out)
    half = results.load(out)
    assert not half.complete
    assert half.rows == (0, 1, 2, 3)
    np.testing.assert_array_equal(half.target, [0, 1, 2, 3, -1, -1, -1])
    assert np.isnan(half.keep[4:]).all()
    progress = tiny_run.Silent()
    assert tiny_run.explain(folder, out, progress=progress).done == NUM
    assert len(calls) == 3 + 2  # the third and the fourth batch
    assert tiny_run.hashes(out) == tiny_run.hashes(finished)


def test_progress_counts_a_batch_as_soon_as_it_is_on_the_disk(folder, tmp_path, monkeypatch):
    progress = tiny_run.Silent()
    explain_batch, calls = batches.explain_batch, []

    def waiting(*args):
        calls.append(1)
        before = tiny_run.BATCH * (len(calls) - 1)
        end = time.monotonic() + 30
        while progress.done < before and time.monotonic() < end:
            time.sleep(0.01)  # the device has not begun with this batch
        assert progress.done == before
        return explain_batch(*args)

    monkeypatch.setattr(batches, "explain_batch", waiting)
    tiny_run.explain(folder, tmp_path, progress=progress)
    assert progress.done == NUM


def _entries(folder: Path) -> int:
    return sum(len(folders) + len(names) for _, folders, names in os.walk(folder))


def test_killed_at_many_moments_a_run_ends_with_the_same_bytes(tmp_path):
    many = tiny_run.make_pictures(tmp_path / "pictures", 16)
    straight, out = tmp_path / "straight", tmp_path / "killed"
    tiny_run.explain(many, straight)
    wanted = tiny_run.hashes(straight)
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")}
    environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(PROGRAM), str(many), str(out)]
    rng = random.Random(0)
    kills = 0
    for aim in (1, 30, 75, 120):  # files and folders on the disk when it is killed
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        while process.poll() is None and _entries(out) < aim + rng.randrange(20):
            time.sleep(0.0005)
        process.kill()
        _, said = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), said
        kills += process.returncode != 0
    assert kills >= 3  # or the machine was too slow for us to see anything
    assert not (out / "summary.csv").exists()
    tiny_run.explain(many, out)
    assert tiny_run.hashes(out) == wanted


def test_a_bad_picture_is_skipped_by_name_and_the_others_do_not_notice(folder, finished, tmp_path):
    broken = tiny_run.make_pictures(tmp_path / "pictures", NUM)
    (broken / "2.png").write_bytes((broken / "2.png").read_bytes()[:200])
    (broken / "6.png").write_bytes(b"")  # the only one of its batch
    out = tmp_path / "run"
    assert tiny_run.counts(tiny_run.explain(broken, out)) == (5, 2)
    found, whole = results.load(out), results.load(finished)
    assert found.complete
    assert found.rows == (0, 1, 3, 4, 5)
    np.testing.assert_array_equal(found.target, [0, 1, -1, 3, 0, 1, -1])
    np.testing.assert_allclose(
        found.keep[np.array(found.rows)], whole.keep[np.array(found.rows)], atol=1e-5
    )
    for bad in (2, 6):
        assert np.isnan(found.keep[bad]).all()
        assert np.isnan(found["log_odds_kept"][bad])
        assert (found.images[bad] == 0).all()
        assert found.summary[bad].status == "skipped"
        assert found.summary[bad].reason.startswith("It cannot be read as a picture: ")
    assert not (out / "pictures" / "2.png").exists()


def test_a_folder_without_one_readable_picture_ends_with_a_full_summary(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(b"no picture")
    out = tmp_path / "run"
    assert tiny_run.counts(tiny_run.explain(tmp_path / "pictures", out)) == (0, 3)
    found = results.load(out)
    assert found.complete
    assert found.arrays == {}
    with pytest.raises(ValueError, match="holds no 'keep'; start the run again"):
        _ = found.keep


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 5}, r"seed is 0 there and 5 here"),
        ({"batch_size": 3}, r"batch_size is 2 there and 3 here"),
        ({"config": {"game": "sdr"}}, r"config\.game is \"ssr\" there and \"sdr\" here"),
        ({"weights_sha256": "1" * 64}, r"weights_sha256 is"),
        ({"files": ["0.png"]}, r"pictures has 7 entries there and 1 here"),
        (
            {"files": [*(f"{i}.png" for i in range(6)), "x.png"]},
            r"pictures\[6\] is \"6.png\" there and \"x.png\" here",
        ),
    ],
)
def test_the_folder_of_another_run_is_refused_by_the_field_that_differs(
    folder, finished, changes, said
):
    before = tiny_run.hashes(finished)
    found = finding.find([folder])
    names = changes.pop("files", list(found))
    found = dict(zip(names, found.values(), strict=False))
    other, how = tiny_run.manifest(found, **changes), tiny_run.how(found)
    source = Files(found, tiny_run.PREPROCESS)
    with pytest.raises(ValueError, match=f"holds another run: {said}"):
        run.run(finished, other, how, source, tiny_run.NAMES, tiny_run.Silent())
    assert tiny_run.hashes(finished) == before


def test_a_folder_with_files_of_somebody_else_is_refused(folder, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"holds thesis\.tex and no run"):
        tiny_run.explain(folder, tmp_path)


def test_a_folder_that_another_process_writes_to_is_refused(folder, finished):
    with files.held(finished), pytest.raises(ValueError, match="Another process is writing"):
        tiny_run.explain(folder, finished)
    tiny_run.explain(folder, finished)  # free again


def _three_axes(params, images):
    return images.mean(axis=-1)


def test_a_classifier_of_the_wrong_shape_stops_a_run_that_leaves_no_trace(folder, tmp_path):
    classifier = Classifier.from_callable(_three_axes)
    frozen = Frozen(classifier, Constant().build(classifier))
    with pytest.raises(ValueError, match=r"must return float logits \[b k\]"):
        tiny_run.explain(folder, tmp_path / "run", frozen=frozen)
    assert not (tmp_path / "run").exists()


def _overflows_for_bright_corners(params, images):
    logits = planted._quadrant_logits(params, images)
    return jnp.where(images[:, :1, 0, 0] > 0.75, jnp.inf, logits)


def test_a_picture_for_which_the_classifier_overflows_costs_the_others_nothing(
    folder, finished, tmp_path
):
    classifier = dataclasses.replace(planted.quadrant(), apply_fn=_overflows_for_bright_corners)
    frozen = Frozen(classifier, Constant(value=planted.DARK).build(classifier))
    outcome = tiny_run.explain(folder, tmp_path / "run", frozen=frozen)
    found, whole = results.load(tmp_path / "run"), results.load(finished)
    bright = [i for i in range(NUM) if whole.images[i][0, 0, 0] > 0.75 * 255]
    assert 0 < len(bright) < NUM
    assert tiny_run.counts(outcome) == (NUM - len(bright), len(bright))
    for i in range(NUM):
        if i in bright:
            assert "returned NaN or infinity" in found.summary[i].reason
            assert found.target[i] == -1
        else:
            np.testing.assert_allclose(found.keep[i], whole.keep[i], atol=1e-6)


@pytest.mark.parametrize("target", [4, -1])
def test_a_target_outside_the_classes_is_refused_before_anything_is_written(
    folder, tmp_path, target
):
    with pytest.raises(ValueError, match=rf"Target {target} is outside .* 0 to 3"):
        tiny_run.explain(folder, tmp_path / "run", target=target)
    assert not (tmp_path / "run").exists()


def test_targets_can_be_one_class_one_a_picture_or_chosen(folder, tmp_path):
    tiny_run.explain(folder, tmp_path / "one", target=2)
    assert (np.asarray(results.load(tmp_path / "one").target) == 2).all()
    each = {f"{i}.png": (i + 1) % 4 for i in range(NUM)}
    tiny_run.explain(folder, tmp_path / "each", target=each)
    np.testing.assert_array_equal(results.load(tmp_path / "each").target, list(each.values()))
    tiny_run.explain(folder, tmp_path / "second", target=targets.runner_up)
    second = np.asarray(results.load(tmp_path / "second").target)
    assert (second != np.arange(NUM) % 4).all()


def test_an_explanation_that_is_not_finite_is_skipped_by_name(folder, tmp_path, monkeypatch):
    explain_batch = batches.explain_batch

    def sometimes_nan(*args):
        explanation, finite = explain_batch(*args)
        return explanation, finite & (explanation.target != 0)

    monkeypatch.setattr(batches, "explain_batch", sometimes_nan)
    assert tiny_run.counts(tiny_run.explain(folder, tmp_path / "run")) == (5, 2)
    found = results.load(tmp_path / "run")
    assert found.rows == (1, 2, 3, 5, 6)
    assert "not finite" in found.summary[4].reason


def test_a_full_disk_stops_in_one_sentence_and_keeps_whole_batches(
    folder, finished, tmp_path, monkeypatch
):
    write_whole, written = files.write_whole, []

    def full_after_some(path, content):
        written.append(path)
        if len(written) > 4:  # two pictures and the sign of the first batch, then one more picture
            raise OSError(28, os.strerror(28), str(path))
        write_whole(path, content)

    monkeypatch.setattr(files, "write_whole", full_after_some)
    monkeypatch.setattr(record.done, "write_whole", full_after_some)
    with pytest.raises(OSError, match="No space left on device"):
        tiny_run.explain(folder, tmp_path / "run")
    assert results.load(tmp_path / "run").rows == (0, 1)
    monkeypatch.undo()
    tiny_run.explain(folder, tmp_path / "run")
    assert tiny_run.hashes(tmp_path / "run") == tiny_run.hashes(finished)


def test_a_replaced_picture_is_explained_anew_and_by_itself(
    folder, finished, tmp_path, monkeypatch
):
    mine, out = tmp_path / "pictures", tmp_path / "run"
    shutil.copytree(folder, mine)
    (mine / "2.png").write_bytes(b"no picture")
    tiny_run.explain(mine, out)
    assert not (out / "pictures" / "2.png").exists()
    (mine / "2.png").write_bytes((folder / "2.png").read_bytes())
    asked, explain_batch = [], batches.explain_batch

    def counting(inspector, batch, *rest):
        asked.append(np.asarray(batch.weight).tolist())
        return explain_batch(inspector, batch, *rest)

    monkeypatch.setattr(batches, "explain_batch", counting)
    assert tiny_run.counts(tiny_run.explain(mine, out)) == (NUM, 0)
    assert asked == [[1.0, 0.0]]  # picture 2, at its own place of the batch, and nobody else
    assert tiny_run.hashes(out) == tiny_run.hashes(finished)


def test_another_folder_with_the_same_names_does_not_keep_the_rows_of_the_first(
    folder, finished, tmp_path
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    turned = tmp_path / "turned"
    turned.mkdir()
    for i in range(NUM):
        (turned / f"{i}.png").write_bytes((folder / f"{NUM - 1 - i}.png").read_bytes())
    tiny_run.explain(turned, out)
    fresh = tmp_path / "fresh"
    tiny_run.explain(turned, fresh)
    assert tiny_run.hashes(out) == tiny_run.hashes(fresh)


def test_a_picture_that_breaks_loses_its_row(folder, tmp_path):
    mine, out = tmp_path / "pictures", tmp_path / "run"
    shutil.copytree(folder, mine)
    tiny_run.explain(mine, out)
    (mine / "3.png").unlink()
    os.mkfifo(mine / "3.png")  # nobody writes into it: a reader would wait without end
    assert tiny_run.counts(tiny_run.explain(mine, out)) == (NUM - 1, 1)
    found = results.load(out)
    assert found.summary[3].reason == "It is no regular file."
    assert np.isnan(found.keep[3]).all() and found.target[3] == -1
    assert (found.images[3] == 0).all()
    assert not (out / "pictures" / "3.png").exists()


def test_a_name_as_long_as_a_file_system_allows_is_explained(folder, tmp_path):
    long = tmp_path / "pictures"
    long.mkdir()
    names = [letter * 251 + ".png" for letter in "ab"]
    for i, name in enumerate(names):
        (long / name).write_bytes((folder / f"{i}.png").read_bytes())
    assert tiny_run.counts(tiny_run.explain(long, tmp_path / "run")) == (2, 0)
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 2


def test_no_two_pictures_of_a_folder_have_one_sheet():
    parts = ("", "x", ".png", ".PNG", ".jpg", ".sheet", ".txt")
    names = {"".join(some) for some in itertools.product(parts, repeat=4)} - {""}
    paths = {name: record.sheet_path(Path("run"), f"a/{name}") for name in names}
    assert len(set(paths.values())) == len(names)
    assert paths["x.png"] == Path("run/pictures/a/x.png")
    assert paths["x.jpg"] == Path("run/pictures/a/x.jpg.png")
    assert paths["x"] == Path("run/pictures/a/x.sheet.png")
    long = {record.sheet_path(Path("run"), "x" * 250 + end) for end in ("", ".png", ".jpg")}
    assert len(long) == 3 and all(len(path.name) <= 255 for path in long)


def test_a_folder_of_an_older_format_is_refused_with_what_to_do(folder, finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["digests"]
    (out / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    with pytest.raises(ValueError, match=r"of another version of xai_jax; explain .* anew"):
        tiny_run.explain(folder, out)


def test_a_method_that_only_ranks_pixels_is_stored_and_shown(folder, tmp_path):
    method = gradient_map.Config()
    outcome = tiny_run.explain(folder, tmp_path / "run", method=method, metrics=())
    assert tiny_run.counts(outcome) == (NUM, 0)
    found = results.load(tmp_path / "run")
    assert "keep" not in found and not found.summary[0].numbers
    with Image.open(tmp_path / "run" / "pictures" / "0.png") as sheet:
        assert sheet.width < 3 * tiny_run.SIZE  # the picture and its saliency, and no parts
    assert "pictures" in report.write(tmp_path / "run").read_text()


def test_randomness_follows_the_pixels_and_not_the_name_or_the_place(folder, finished, tmp_path):
    backwards = tmp_path / "pictures"
    backwards.mkdir()
    for i in range(NUM):
        (backwards / f"{i}.png").write_bytes((folder / f"{NUM - 1 - i}.png").read_bytes())
    tiny_run.explain(backwards, tmp_path / "run")
    turned, straight = results.load(tmp_path / "run"), results.load(finished)
    np.testing.assert_allclose(turned.keep, np.asarray(straight.keep)[::-1], atol=1e-5)
    assert len(set(image_ids(np.asarray(straight.images) / np.float32(255)))) == NUM
