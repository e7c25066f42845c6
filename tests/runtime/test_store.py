"""What is stored comes back, lazily and by its row, from a run that is finished or not."""

import errno
import os
import resource
import subprocess
import sys

import fake_run
import numpy as np
import pytest
import xarray
import zarr

import xai_jax
from xai_jax.core.outputs import Output
from xai_jax.runtime import files, store

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
                output = fake_run.KNOWN[name]
                wanted = store.stored(output, values[place : place + 1])[0]
                skipped = np.full_like(wanted, store.fill(output))
                got = found[name][row]
                np.testing.assert_array_equal(got, skipped if row == 1 else wanted)


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


BOTH = np.array([True, True])


def contents(folder) -> dict:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_writing_the_same_rows_twice_leaves_the_same_bytes(tmp_path):
    values = fake_run.arrays(slice(0, 2))
    found = []
    for _ in range(2):
        store.Writer(tmp_path, 5, 2).write([0, 1], BOTH, values, fake_run.KNOWN)
        found.append(contents(tmp_path))
    assert found[0] == found[1]


def test_rows_that_are_written_alone_leave_the_others_as_they_were(tmp_path):
    fake_run.write(tmp_path / "run", num_pictures=6, batch_size=3, skip=1)
    before = contents(tmp_path / "run")
    arrays = {
        name: np.asarray(array) for name, array in xai_jax.load(tmp_path / "run").arrays.items()
    }
    values = {name: array[:2] for name, array in fake_run.arrays(slice(90, 93)).items()}
    writer = store.Writer(tmp_path / "run", 6, 3, fake_run.CLASSES)
    writer.write(
        [0, 2], BOTH, values, fake_run.KNOWN
    )  # with a gap, and one that is a row of its own
    for name, array in xai_jax.load(tmp_path / "run").arrays.items():
        new = store.stored(fake_run.KNOWN[name], values[name])
        np.testing.assert_array_equal(np.asarray(array)[[0, 2]], new)
        np.testing.assert_array_equal(np.asarray(array)[[1, 3, 4, 5]], arrays[name][[1, 3, 4, 5]])
    old = fake_run.arrays(slice(0, 3))
    writer.write([0, 2], BOTH, {name: array[[0, 2]] for name, array in old.items()}, fake_run.KNOWN)
    assert contents(tmp_path / "run") == before


def test_what_a_killed_process_has_half_written_is_removed_with_the_batches_to_make_anew(tmp_path):
    fake_run.write(tmp_path)
    before = contents(tmp_path)
    group = tmp_path / store.NAME
    halves = [*group.rglob("c/*"), *group.rglob("zarr.json")]
    assert any(path.is_file() and path.parent.name == "c" for path in halves)  # of one axis: c/0
    for path in halves:
        path.with_name(f"{path.name}.__lock").write_bytes(b"half")
    store.remove_chunks(tmp_path, kept=range(3))
    store.remove_arrays(tmp_path, keep=[p.relative_to(tmp_path).as_posix() for p in before])
    assert contents(tmp_path) == before


def test_a_row_that_loses_its_result_is_emptied_in_every_array_of_an_earlier_start(tmp_path):
    values = fake_run.arrays(slice(0, 2))
    store.Writer(tmp_path, 2, 2).write([0, 1], BOTH, values, fake_run.KNOWN)
    again = store.Writer(tmp_path, 2, 2)
    again.open_written(fake_run.KNOWN)
    again.write([1], np.array([False]), {}, fake_run.KNOWN)
    for name, array in store.read(tmp_path).items():
        output = fake_run.KNOWN[name]
        np.testing.assert_array_equal(array[0], store.stored(output, values[name])[0])
        np.testing.assert_array_equal(array[1], np.full_like(array[1], store.fill(output)))


def test_a_row_without_a_result_holds_the_fill_value_whatever_is_handed_in_for_others(tmp_path):
    values = {name: array[:1] for name, array in fake_run.arrays(slice(0, 2)).items()}
    writer = store.Writer(tmp_path, 2, 2)
    writer.write([0, 1], np.array([False, True]), values, fake_run.KNOWN)
    found = store.read(tmp_path)
    assert (found["target"][0], found["images"][0].max()) == (-1, 0)
    assert np.isnan(found["keep"][0]).all() and np.isnan(found["class_keep"][0]).all()
    np.testing.assert_array_equal(found["keep"][1], values["keep"][0])


@pytest.mark.parametrize(
    ("kind", "value", "kept", "empty"),
    [
        ("float32", 0.1, np.float32(0.1), np.nan),
        ("float16", 0.3, np.float16(77 / 256), np.nan),  # 0.3 * 256 = 76.8
        ("uint8", 0.5, 128, 0),  # 127.5 to the even one
        ("int32", 7, 7, -1),
    ],
)
def test_numbers_are_kept_as_declared_and_fill_values_with_them(kind, value, kept, empty):
    output = Output(name="a", kind="number", axes=(), unit="", meaning="", stored=kind)
    found = store.stored(output, np.array([value]))
    assert found.dtype == kind and found[0] == kept
    np.testing.assert_equal(store.fill(output), empty)


def test_arrays_that_another_run_has_stored_are_copied_to_the_byte(folder, tmp_path):
    whole = store.read(folder)
    writer = store.Writer(tmp_path, 5, 2, fake_run.CLASSES)
    for start in (4, 0, 2):
        rows = range(start, min(start + 2, 5))
        some = {name: array[rows.start : rows.stop] for name, array in whole.items()}
        writer.copy(rows, some, {name: array.output for name, array in whole.items()})
    assert {p.relative_to(tmp_path): c for p, c in contents(tmp_path).items()} == {
        p.relative_to(folder): c for p, c in contents(folder / store.NAME).items()
    }


def test_the_group_is_valid_zarr_and_every_array_carries_its_declaration(folder):
    group = zarr.open_group(folder / "explanations.zarr", mode="r")
    assert set(group.keys()) == set(fake_run.KNOWN)
    assert group["keep"].metadata.dimension_names == ("picture", "row", "column", "value")
    assert group["curve_kept"].metadata.dimension_names == ("picture", "area")
    for name, output in fake_run.KNOWN.items():
        told = dict(group[name].attrs)
        assert Output(**told | {"axes": tuple(told["axes"])}) == output
        assert group[name].dtype == output.stored
        np.testing.assert_equal(group[name].fill_value.item(), store.fill(output))
    np.testing.assert_array_equal(group["saliency"][:], np.asarray(xai_jax.load(folder).saliency))
    assert group.attrs["class_names"] == list(fake_run.CLASSES)


def test_an_axis_of_one_name_has_one_length_as_xarray_asks(folder):
    group, lengths = zarr.open_group(folder / "explanations.zarr", mode="r"), {}
    for name in group.keys():
        array = group[name]
        assert None not in array.metadata.dimension_names
        for axis, length in zip(array.metadata.dimension_names, array.shape, strict=True):
            assert lengths.setdefault(axis, length) == length, f"{axis} of {name}"


def test_xarray_opens_the_store(folder):
    found = xarray.open_zarr(folder / "explanations.zarr", chunks=None, consolidated=False)
    assert found.sizes["picture"] == 5 and found["curve_kept"].dims == ("picture", "area")
    assert found["keep"].attrs["unit"] == fake_run.KNOWN["keep"].unit
    np.testing.assert_array_equal(found["keep"], np.asarray(xai_jax.load(folder).keep))


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
from xai_jax.core import outputs
from xai_jax.runtime import store
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
try:
    writer = store.Writer(pathlib.Path(sys.argv[1]), 2, 2)
    writer.write([0, 1], np.array([True, True]), {"keep": noise}, {"keep": outputs.KEEP})
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
        writer.write([start, start + 1], BOTH, {"keep": values}, fake_run.KNOWN)
    keep = store.read(tmp_path)["keep"]
    _ = keep[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for row in range(num):
        _ = keep[row]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < num * values[0].nbytes / 4
