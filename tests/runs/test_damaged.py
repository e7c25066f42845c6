"""What was lost or damaged after it was written is found, never passed on, and made again."""

import json
import shutil

import numpy as np
import pytest
import tiny_run

import xai_jax
from xai_jax import report
from xai_jax.runs import shard
from xai_jax.runtime import done, manifest

NUM, GROUP = 7, "explanations.zarr"  # four batches


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path):
    path.write_bytes(b"")


def removed(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def of_other_pixels(path):
    """A chunk that decodes, of another batch."""
    shutil.copyfile(str(path).replace("/c/1/", "/c/2/"), path)


def rewritten(change):
    """Another content of a batch's sign, which is JSON."""

    def write(path):
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return write


def without_last(found):
    return found | {"rows": found["rows"][:-1]}


def swapped(found):
    return found | {"rows": found["rows"][::-1]}


def elsewhere(found):
    return found | {"files": {"../manifest.json": "0" * 64}}


def nested(_):
    value = []
    for _ in range(300):
        value = [value]
    return value


CHUNK, SHEET, SIGN = f"{GROUP}/keep/c/1/0/0/0", "pictures/2.png", "batches/000001.json"
DAMAGE = [
    (GROUP, removed),
    (f"{GROUP}/keep", removed),
    (f"{GROUP}/keep/c", removed),
    (CHUNK, removed),
    (CHUNK, flipped),
    (CHUNK, cut),
    (CHUNK, emptied),
    (CHUNK, of_other_pixels),
    (f"{GROUP}/target/c/1", removed),
    (f"{GROUP}/zarr.json", removed),
    (f"{GROUP}/zarr.json", emptied),
    (f"{GROUP}/keep/zarr.json", removed),
    (f"{GROUP}/keep/zarr.json", cut),
    (f"{GROUP}/keep/zarr.json", rewritten(lambda found: [])),
    (f"{GROUP}/keep/zarr.json", rewritten(lambda found: found | {"attributes": 5})),
    (SHEET, removed),
    (SHEET, flipped),
    ("pictures", removed),
    (SIGN, removed),
    (SIGN, cut),
    (SIGN, emptied),
    (SIGN, rewritten(without_last)),
    (SIGN, rewritten(swapped)),
    (SIGN, rewritten(elsewhere)),
    (SIGN, rewritten(nested)),
    (SIGN, rewritten(lambda found: found | {"rows": 5})),
    (SIGN, rewritten(lambda found: found | {"more": 5})),
    (SIGN, rewritten(lambda found: [])),
    ("batches", removed),
]
NAMES = [f"{place}-{getattr(how, '__name__', 'odd')}-{n}" for n, (place, how) in enumerate(DAMAGE)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    tiny_run.explain(folder, out)
    report.write(out)
    return out


@pytest.mark.parametrize(("place", "damage"), DAMAGE, ids=NAMES)
def test_a_damaged_run_is_not_complete_says_so_and_is_mended_by_the_same_start(
    folder, finished, tmp_path, place, damage
):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    damage(out / place)
    try:
        assert not xai_jax.load(out).complete
    except ValueError as sentence:  # the arrays cannot even be opened
        assert "zarr.json" in str(sentence) and "start the run again" in str(sentence)
    tiny_run.explain(folder, out)
    assert xai_jax.load(out).complete
    report.write(out)
    assert tiny_run.hashes(out) == tiny_run.hashes(finished)


def test_what_is_whole_is_not_made_again(folder, finished, tmp_path, monkeypatch):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    flipped(out / CHUNK)
    written, write = [], done.write
    monkeypatch.setattr(done, "write", lambda *args: (written.append(args[1]), write(*args)))
    tiny_run.explain(folder, out)
    assert written == [1]


@pytest.mark.parametrize(
    ("place", "damage"), [(GROUP, removed), (f"{GROUP}/keep/c/0", removed), (SHEET, flipped)]
)
def test_a_shard_that_has_lost_something_is_not_merged(folder, tmp_path, place, damage):
    for index in (1, 2):
        tiny_run.explain(folder, tmp_path / str(index), part=f"{index}/2")
    damage(tmp_path / "1" / place)
    with pytest.raises(ValueError, match=r"1 is not finished, or has lost something since; start"):
        shard.merge(tmp_path / "out", [tmp_path / "1", tmp_path / "2"])


@pytest.mark.parametrize("name", ["../evil.png", "/tmp/evil.png", "a/../../evil.png", "", "a//b"])
def test_a_manifest_names_no_picture_outside_its_folder(finished, tmp_path, name):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    found = json.loads((out / manifest.NAME).read_text())
    found["pictures"][1] = name
    (out / manifest.NAME).write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"pictures must be .* names a path within its folder"):
        xai_jax.load(out)


ODD = {
    "batch_size": [0, "2", 2.5, -1, None, [], True],
    "pictures": [None, 5, {}, [1], [["a"]]],
    "digests": [None, ["a"]],
    "shard": ["2/3", 5, {"index": 0, "count": 1, "pictures_sha256": ""}, {"index": 1}],
    "seed": ["0", None, 1.5],
    "config": [[], 5, nested(None)],
    "target": [None, [], 1.5],
    "format": [2, "3", None],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in ODD.items() for v in vs])
def test_a_manifest_with_a_value_of_another_kind_is_one_sentence(finished, tmp_path, field, value):
    found = json.loads((finished / manifest.NAME).read_text()) | {field: value}
    (tmp_path / manifest.NAME).write_text(json.dumps(found))
    with pytest.raises(ValueError, match=r"manifest\.json.*; explain the pictures anew") as caught:
        manifest.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_array_that_is_damaged_after_it_was_loaded_says_so_in_our_words(finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    found = xai_jax.load(out)
    cut(out / CHUNK)
    with pytest.raises(ValueError, match=r"keep is damaged; start the run again"):
        np.asarray(found.keep)
