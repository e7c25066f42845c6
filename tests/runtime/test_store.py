"""What is stored comes back, lazily and by its row, from a run that is finished or not."""

import errno
import os
import resource
import subprocess
import sys

import fake_run
import numpy as np
import pytest
import zarr

import xai_jax
from xai_jax.runtime import files, manifest, results, store, summary

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    fake_run.write(out)
    return out


def test_load_gives_back_what_was_written_with_fill_values_for_the_skipped_row(folder):
    found = xai_jax.load(folder)
    assert found.complete
    assert found.rows == (0, 2, 3, 4)
    for batch in range(found.manifest.num_batches()):
        rows = found.manifest.rows(batch)
        for name, values in fake_run.arrays(rows).items():
            for place, row in enumerate(range(rows.start, rows.stop)):
                skipped = np.full_like(values[place], store.fill(name))
                wanted = skipped if row == 1 else values[place]
                np.testing.assert_array_equal(found.arrays[name][row], wanted)


def test_rows_are_read_by_number_from_either_end_by_slice_and_as_a_whole(folder):
    keep = xai_jax.load(folder).keep
    whole = np.asarray(keep)
    assert len(keep) == 5
    assert keep.shape == whole.shape == (5, fake_run.SIZE, fake_run.SIZE, 1)
    np.testing.assert_array_equal(keep[-1], whole[-1])
    np.testing.assert_array_equal(keep[2:4], whole[2:4])
    np.testing.assert_array_equal(keep[-3:], whole[-3:])
    np.testing.assert_array_equal(keep[::2], whole[::2])
    np.testing.assert_array_equal(keep[np.int64(2)], whole[2])
    assert len(list(keep)) == 5
    np.testing.assert_array_equal(keep[np.array([4, 0])], whole[[4, 0]])
    assert np.asarray(keep, np.float64).dtype == np.float64
    with pytest.raises(IndexError):
        keep[5]


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
    with pytest.raises(ValueError, match="holds no saliency yet; start the run again"):
        _ = found.saliency


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no manifest\.json; name a folder"):
        xai_jax.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"seed": 1}'])
def test_a_manifest_that_is_none_is_refused_in_one_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json cannot be read: [^\n]*\.$"):
        xai_jax.load(tmp_path)


def test_a_manifest_comes_back_equal_and_writes_the_same_text():
    made = fake_run.manifest()
    again = manifest.Manifest.from_json(made.to_json())
    assert again == made
    assert again.to_json() == made.to_json()
    assert manifest.difference(made, again) is None


def test_names_that_are_no_utf8_survive(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    made = fake_run.manifest(1, pictures=(name,))
    made.write(tmp_path)
    assert manifest.read(tmp_path).pictures == (name,)
    summary.write_csv(tmp_path, [summary.Row.skipped(name, 'It says "no", twice.')])
    table = (tmp_path / "summary.csv").read_bytes()
    assert b'caf\xe9.jpg,skipped,"It says ""no"", twice."' in table


def test_writing_the_same_rows_twice_leaves_the_same_bytes(tmp_path):
    values = fake_run.arrays(slice(0, 2))
    contents = []
    for _ in range(2):
        store.Writer(tmp_path, 5, 2).write(0, values)
        contents.append({p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()})
    assert contents[0] == contents[1]


def test_the_group_and_the_group_of_the_trace_are_valid_zarr(folder):
    group = zarr.open_group(folder / "explanations.zarr", mode="r")
    assert set(group["trace"].keys()) == {"objective", "kept_area"}
    assert group["keep"].metadata.dimension_names == ("picture", "row", "column", "channel")
    assert group["curve_kept"].metadata.dimension_names == ("picture", "area")


def test_a_whole_file_stays_when_the_next_one_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "a"
    files.write_whole(path, b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(path, b"new")
    assert path.read_bytes() == b"old"


_LIMITED = """
import pathlib, resource, sys
import numpy as np
from xai_jax.runtime import store
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
try:
    store.Writer(pathlib.Path(sys.argv[1]), 2, 2).write(0, {"keep": noise})
except OSError as error:
    print(type(error).__name__, error.errno, error.strerror, error.filename)
"""


def test_a_disk_that_takes_no_more_of_an_array_is_an_os_error_with_its_reason(tmp_path):
    command = [sys.executable, "-c", _LIMITED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    words = f"OSError {errno.EFBIG} {os.strerror(errno.EFBIG)} {tmp_path / store.NAME}"
    assert done.stdout.strip() == words


def test_a_folder_is_held_by_one_process_until_it_ends_however_it_ends(tmp_path):
    program = (
        "import pathlib, sys, os, signal\n"
        "from xai_jax.runtime import files\n"
        "with files.held(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with pytest.raises(ValueError, match="Another process is writing"), files.held(tmp_path):
        pass
    process.kill()
    process.communicate()
    with files.held(tmp_path):
        pass


def test_memory_does_not_grow_with_the_number_of_rows_that_are_read(tmp_path):
    num, side = 64, 256
    writer = store.Writer(tmp_path, num, 2)
    values = np.random.default_rng(0).normal(size=(2, side, side, 1)).astype(np.float32)
    for start in range(0, num, 2):
        writer.write(start, {"keep": values})
    keep = store.read(tmp_path)["keep"]
    _ = keep[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for row in range(num):
        _ = keep[row]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < num * values[0].nbytes / 4
