"""An object store as a disk: the paths, the lease, whole runs and trainings, and what may fail."""

import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

import object_store
import programs
import pytest
import tiny_cli
import tiny_run
from PIL import Image

import xai_jax
from xai_jax.core.errors import StoreError
from xai_jax.runtime import files, lease, metric_log, objects
from xai_jax.runtime.files import place

_names = itertools.count()


@pytest.fixture(scope="module", params=object_store.SCHEMES)
def scheme(request):
    if request.param == "s3" and not object_store.is_there():
        pytest.skip(object_store.MISSING)
    return request.param


@pytest.fixture(scope="module")
def port(scheme):
    with object_store.server(scheme) as port:
        yield port


def found(endpoint, monkeypatch):
    for name, value in object_store.environment(endpoint).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder(scheme, port, monkeypatch):
    """A new one, in a store that the environment tells of."""
    found(f"http://127.0.0.1:{port}", monkeypatch)
    return place(f"{scheme}://{object_store.BUCKET}/{next(_names)}")


@pytest.fixture
def line(port, folder, monkeypatch):
    """A line to the server that may fail, where a request is soon given up."""
    few = {"max_retries": 4, "initial_delay": "10ms", "max_delay": "50ms"}
    with object_store.given_up_soon(object_store.Line(port), monkeypatch, **few) as line:
        yield line


def test_a_path_of_objects_does_what_a_path_of_files_does(folder, tmp_path):
    for top in (folder, tmp_path):
        files.write_whole(top / "a/x 1.txt", b"one\ntwo")
        files.write_whole(top / "a/b/y.txt", b"y")
        files.write_whole(top / "z~ä%.bin", b"")

    def read(path, mode):
        with path.open(mode) as file:
            return file.readlines()

    def said(top):
        return [
            sorted(path.name for path in top.iterdir()),
            sorted(p.relative_to(top).as_posix() for p in top.rglob("*.txt")),
            [path.name for path in top.glob("*.bin")],
            [(top / name).exists() for name in ("a", "a/b/y.txt", "a/b/y", "none")],
            [(top / name).is_dir() for name in ("a", "a/b/y.txt", "none")],
            [(top / name).is_file() for name in ("a", "a/b/y.txt", "a/x")],
            (top / "a/x 1.txt").read_text(),
            *(read(top / "a/x 1.txt", mode) for mode in ("r", "rb")),
            (top / "a" / ".." / "z").resolve() == (top / "z").resolve(),
            (top / "a").with_name("b") == top / "b",
        ]

    assert said(folder) == said(tmp_path)
    files.remove(folder / "a")
    assert [path.name for path in folder.iterdir()] == ["z~ä%.bin"]
    with pytest.raises(FileNotFoundError, match="none"):
        (folder / "none").read_bytes()


def test_names_of_objects():
    path = place("s3://bucket/a//b/")
    assert str(path) == os.fspath(path) == "s3://bucket/a/b"
    assert place(files.Path("gs://bucket/a")) == place("gs://bucket/a")  # as pathlib writes it
    assert str(place("gs://bucket/a").parent / "c") == "gs://bucket/c"
    assert type(place("data/s3")) is type(files.Path())
    with pytest.raises(ValueError, match="s3:// names no bucket; write s3://BUCKET/NAME"):
        place("s3://")
    assert objects.kvstore(place("gs://bucket/a"))["driver"] == "gcs"


def test_a_lease_is_held_by_one(folder, monkeypatch):
    monkeypatch.setattr(lease, "LASTS", 1.2)
    with files.held(folder):
        with pytest.raises(ValueError, match="Another process is writing to"), files.held(folder):
            raise AssertionError("not reached")
        files.write_whole(folder / "mine", b"")
        (folder / files.LOCK).write_bytes(b'{"owner": "somebody else"}')
        time.sleep(1)
        with pytest.raises(StoreError, match="Another process has taken"):
            files.write_whole(folder / "mine", b"more")
    assert (folder / files.LOCK).is_file()  # it is another one's
    started = time.monotonic()
    with files.held(folder):  # who does not renew it
        assert time.monotonic() - started > 1.2
    assert not (folder / files.LOCK).is_file()


def test_what_a_dead_process_of_this_machine_held_is_free_at_once(folder):
    code = (
        "import os, sys\nfrom xai_jax.runtime import files\n"
        "held = files.held(files.place(sys.argv[1]))\nheld.__enter__()\nos._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(folder)]).returncode == 9
    assert (folder / files.LOCK).is_file()
    started = time.monotonic()
    with files.held(folder):
        assert time.monotonic() - started < lease.LASTS / 2


ERROR = "500 InternalError"
FAULTS = {
    "500": lambda verb, name: ERROR,
    "reset": lambda verb, name: "reset",
    "torn": lambda verb, name: "torn" if verb == "write" else "",
    "lost": lambda verb, name: "lost" if verb == "write" else "",
}


def once_each():
    """Every request fails once in each way, and once it is slow."""
    asked: dict = {}

    def fault(verb, name):
        asked[verb, name] = asked.get((verb, name), 0) + 1
        ways = [*FAULTS.values(), lambda _, name: "slow" if "batches" in name else ""]
        return ways[asked[verb, name] - 1](verb, name) if asked[verb, name] <= 5 else ""

    return fault


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), 5)


@pytest.fixture(scope="module")
def on_disk(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    tiny_run.explain(pictures, out)
    return contents(out)


def test_faults_that_pass_leave_what_a_disk_has(folder, line, pictures, on_disk, monkeypatch):
    monkeypatch.setitem(objects.RETRIES, "max_retries", 8)
    line.fault = once_each()
    tiny_run.explain(pictures, folder)
    assert {"write", "read"} <= {verb for verb, _ in line.seen}
    assert contents(folder) == on_disk


@pytest.mark.parametrize("fault", ["500", "torn"])
def test_faults_that_stay_end_in_a_sentence_and_are_made_good(
    folder, line, pictures, on_disk, fault
):
    signs = itertools.count()

    def late(verb, name):
        is_late = verb == "write" and "batches" in name and next(signs) > 0
        return FAULTS[fault](verb, name) if is_late else ""

    line.fault = late
    with pytest.raises(StoreError, match="The store does not serve .*start again"):
        tiny_run.explain(pictures, folder)
    line.fault = lambda verb, name: ""
    assert not xai_jax.load(folder).complete
    tiny_run.explain(pictures, folder)
    assert contents(folder) == on_disk


def test_a_store_that_is_out_damages_nothing(folder, line, pictures, on_disk):
    tiny_run.explain(pictures, folder)
    line.fault = lambda verb, name: ERROR if verb == "read" and "/c/" in name else ""
    with pytest.raises(StoreError):
        tiny_run.explain(pictures, folder)
    line.fault = lambda verb, name: ""
    assert contents(folder) == on_disk


def test_pictures_of_a_store_that_is_out_are_not_skipped(folder, line, pictures, tmp_path):
    for path in pictures.iterdir():
        files.write_whole(folder / path.name, path.read_bytes())
    line.fault = lambda verb, name: ERROR if name.endswith("3.png") else ""
    with pytest.raises(StoreError, match=r"3\.png"):
        tiny_run.explain(folder, tmp_path / "out")


NOWHERE = {  # Google's answer to a listing is taken for "nothing is there"
    "s3": "There is no bucket s3://nowhere; make it",
    "gs": "gs://nowhere/a does not exist; name pictures",
}


@pytest.mark.parametrize(
    ("arguments", "fault", "sentence"),
    [
        (("SCHEME://nowhere/a", "--out", "OUT"), "", NOWHERE),
        (("PICTURES", "--out", "SCHEME://nowhere/a"), "", "There is no bucket SCHEME://nowhere; "),
        (
            ("PICTURES", "--out", "FOLDER"),
            "403 AccessDenied",
            "The store refuses access to FOLDER/manifest.json; check",
        ),
        (("FOLDER/none", "--out", "OUT"), "", "FOLDER/none does not exist; name pictures"),
        (("PICTURES", "FOLDER/other/1.png", "--out", "OUT"), "", "lie in different places"),
        (("PICTURES", "--out", "FOLDER/other"), "", "FOLDER/other holds 1.png and no run; choose"),
        (("PICTURES", "--out", "FOLDER/run"), "", "FOLDER/run holds another run: "),
    ],
)
def test_bad_input_is_one_sentence(
    scheme, folder, line, pictures, tmp_path, monkeypatch, capsys, arguments, fault, sentence
):
    pictures = next(pictures.iterdir())
    files.write_whole(folder / "other/1.png", b"")
    if "run" in arguments[-1]:
        tiny_run.manifest({"1.png": pictures}).write(folder / "run")
    sentence = sentence[scheme] if isinstance(sentence, dict) else sentence
    words = {"PICTURES": str(pictures), "OUT": str(tmp_path / "out"), "FOLDER": str(folder)}
    words["SCHEME"] = scheme
    for word, meaning in words.items():
        arguments = [argument.replace(word, meaning) for argument in arguments]
    run = tiny_cli.caller(monkeypatch, capsys)
    line.fault = lambda verb, name: fault
    answer = run("explain", *arguments, *tiny_cli.SMALL)
    said = tiny_cli.only_sentence(*answer)
    for word, meaning in words.items():
        sentence = sentence.replace(word, meaning)
    assert said.startswith(sentence) or sentence in said


def test_the_commands_from_store_to_store(folder, pictures, tmp_path, monkeypatch, capsys):
    """Pictures, shards, merge and report: the same bytes as on the disk."""
    for path in pictures.iterdir():
        files.write_whole(folder / "in" / path.name, path.read_bytes())
    Image.new("RGB", (2, 2)).save(tmp_path / "hidden.png")
    files.write_whole(folder / "in/.hidden.png", (tmp_path / "hidden.png").read_bytes())
    run = tiny_cli.caller(monkeypatch, capsys)
    small = (*tiny_cli.SMALL, "--batch-size", "2")
    outs = []
    for source, out in ((folder / "in", folder / "out"), (pictures, tmp_path)):
        for i in (1, 2):
            part = ("--shard", f"{i}/2", "--out", out / str(i))
            assert run("explain", source, *small, *part)[0] == 0
        code, said, _ = run("merge", out / "1", out / "2", "--out", out / "whole")
        assert code == 0 and said.strip() == str(out / "whole" / "report.html")
        assert run("report", out / "whole")[0] == 0
        outs.append(contents(out / "whole"))
    assert outs[0] == outs[1]
    assert len(outs[0]["report.html"]) > 10_000


def test_a_training_that_is_killed_at_any_write_ends_with_the_same_bytes(folder, tmp_path):
    root = pathlib.Path(__file__).parents[2]
    every = 15  # of some 75 writes; the program's third argument tries other ones
    done = subprocess.run(
        [sys.executable, "-W", "ignore", root / "tests" / "killed_fit.py", tmp_path, "all"]
        + [str(every), str(folder)],
        env=os.environ
        | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    outcomes = said["stages"]
    assert sum(stage["killed"] for stage in outcomes.values()) >= len(outcomes) - 1 >= 3
    assert all(stage["same"] for stage in outcomes.values()), outcomes
    kept = {path.parent.name for path in (folder / "straight").rglob("whole.json")}
    assert {path.name for path in (folder / "straight/checkpoints").iterdir()} == kept
    assert len(kept) <= 3  # the last two and the best


def written_to(folder) -> bytes:
    return (folder / "metrics.jsonl").read_bytes()


def test_two_processes_train_in_a_store_and_go_on_from_there(folder):
    flags = ("--config.num_steps=40", "--config.checkpoint_every=20")
    before = b""
    for _ in range(2):
        both = programs.start_two("smoke/line", folder, devices=2, flags=flags)
        said = [programs.ended(process) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        before, written = before or written_to(folder), written_to(folder)
        files.remove(folder / "checkpoints" / "40")
    assert "Going on after step 20." in said[0]
    assert [line["step"] for line in metric_log.read(folder)][-1] == 40
    assert written == before


def test_listings_do_not_grow_with_the_pictures(folder, line, pictures, tmp_path):
    counts = []
    for num in (2, 5):
        few = tiny_run.make_pictures(tmp_path / str(num), num)
        line.seen.clear()
        tiny_run.explain(few, folder / str(num))
        listed = [name for verb, name in line.seen if verb == "list"]
        assert all(listed)
        counts.append(len(listed))
    assert counts[0] == counts[1] < 12
