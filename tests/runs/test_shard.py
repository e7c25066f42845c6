"""Shards make what one run makes, and merge says which of them is wrong."""

import shutil

import numpy as np
import pytest
import tiny_run

from xai_jax.data import finding
from xai_jax.runs import shard
from xai_jax.runtime import results

NUM = 9  # five batches: shards of one, two and two


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), NUM)
    (made / "4.png").write_bytes(b"no picture")
    (made / "8.png").write_bytes(b"no picture")  # alone in its batch
    return made


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    tiny_run.explain(folder, out)
    return out


@pytest.fixture(scope="module")
def shards(folder, tmp_path_factory):
    base = tmp_path_factory.mktemp("shards")
    for index in (1, 2, 3):
        tiny_run.explain(folder, base / str(index), part=f"{index}/3")
    return base


def test_the_merged_shards_have_the_bytes_of_one_run_in_whatever_order_they_are_named(
    shards, whole, tmp_path
):
    shard.merge(tmp_path / "merged", [shards / "2", shards / "3", shards / "1"])
    assert tiny_run.hashes(tmp_path / "merged") == tiny_run.hashes(whole)


def test_every_picture_is_in_one_shard(shards):
    parts = [results.load(shards / str(index)).manifest.pictures for index in (1, 2, 3)]
    assert [len(part) for part in parts] == [2, 4, 3]
    assert [name for part in parts for name in part] == [f"{i}.png" for i in range(NUM)]


def test_a_merge_that_was_stopped_goes_on(shards, whole, tmp_path, monkeypatch):
    out = tmp_path / "merged"
    write, calls = shard.done.write, []

    def stopping(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(shard.done, "write", stopping)
    with pytest.raises(KeyboardInterrupt):
        shard.merge(out, [shards / "1", shards / "2", shards / "3"])
    assert not results.load(out).complete
    shard.merge(out, [shards / "1", shards / "2", shards / "3"])
    assert len(calls) == 3 + 3
    assert tiny_run.hashes(out) == tiny_run.hashes(whole)


def test_a_missing_a_doubled_a_strange_and_an_unfinished_shard_are_named(
    folder, shards, whole, tmp_path
):
    one, two, three = (shards / str(index) for index in (1, 2, 3))
    out = tmp_path / "merged"
    with pytest.raises(ValueError, match=r"Shard 2 of 3 is missing; .* --shard 2/3\."):
        shard.merge(out, [one, three])
    shutil.copytree(one, tmp_path / "copy")
    with pytest.raises(ValueError, match="are both shard 1"):
        shard.merge(out, [one, tmp_path / "copy", two, three])
    with pytest.raises(ValueError, match="is a whole run and no shard"):
        shard.merge(out, [one, two, whole])
    tiny_run.explain(folder, tmp_path / "seed", part="3/3", seed=1)
    with pytest.raises(ValueError, match="of another run than .*: seed is 1 there and 0 here"):
        shard.merge(out, [one, two, tmp_path / "seed"])
    tiny_run.explain(folder, tmp_path / "half", part="2/2")
    with pytest.raises(ValueError, match=r"shard\.count is 2 there and 3 here"):
        shard.merge(out, [one, two, tmp_path / "half"])
    shutil.copytree(two, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "batches" / "000001.json").unlink()
    with pytest.raises(ValueError, match="unfinished is not finished"):
        shard.merge(out, [one, tmp_path / "unfinished", three])
    with pytest.raises(ValueError, match="holds no manifest"):
        shard.merge(out, [one, tmp_path, three])
    assert not out.exists()


def test_merging_into_the_folder_of_another_run_is_refused(shards, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"holds thesis\.tex and no run"):
        shard.merge(tmp_path, [shards / "1", shards / "2", shards / "3"])


def test_a_shard_of_other_pictures_is_refused(folder, shards, tmp_path):
    fewer = tmp_path / "pictures"
    shutil.copytree(folder, fewer)
    (fewer / "0.png").rename(fewer / "a.png")
    tiny_run.explain(fewer, tmp_path / "3", part="3/3")
    with pytest.raises(ValueError, match=r"shard\.pictures_sha256 is"):
        shard.merge(tmp_path / "merged", [shards / "1", shards / "2", tmp_path / "3"])


def test_a_shard_of_a_picture_that_has_changed_in_between_is_refused(folder, shards, tmp_path):
    changed = tmp_path / "pictures"
    shutil.copytree(folder, changed)
    (changed / "0.png").write_bytes((folder / "1.png").read_bytes())
    tiny_run.explain(changed, tmp_path / "3", part="3/3")
    with pytest.raises(ValueError, match=r"shard\.pictures_sha256 is"):
        shard.merge(tmp_path / "merged", [shards / "1", shards / "2", tmp_path / "3"])


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "-1/3", "1/3/5", ""])
def test_a_shard_that_does_not_exist_is_refused(text):
    with pytest.raises(ValueError, match=r"must be one of 1/n"):
        shard.parse(text)


def test_more_shards_than_batches_are_refused(folder):
    whole = tiny_run.manifest(finding.find([folder]))
    with pytest.raises(ValueError, match="make 5 batches, too few for 6 shards"):
        shard.part(whole, 1, 6)


def test_batches_are_as_even_as_they_can_be():
    assert shard.even_batch_size(9, 8) == 5  # 5 + 4 in place of 8 + 1
    assert shard.even_batch_size(3, 8) == 3
    assert shard.even_batch_size(16, 8) == 8
    assert shard.even_batch_size(17, 8) == 6  # 6 + 6 + 5
    for num in range(1, 60):
        size = shard.even_batch_size(num, 8)
        assert size <= 8
        assert -(-num // size) == -(-num // 8)  # no batch more
    with pytest.raises(ValueError, match="must be at least 1, not 0"):
        shard.even_batch_size(3, 0)


def test_results_of_merged_shards_are_those_of_the_pictures(shards, whole, tmp_path):
    shard.merge(tmp_path / "merged", [shards / "1", shards / "2", shards / "3"])
    found = results.load(tmp_path / "merged")
    np.testing.assert_array_equal(found.target, [0, 1, 2, 3, -1, 1, 2, 3, -1])
    assert found.manifest.shard is None
