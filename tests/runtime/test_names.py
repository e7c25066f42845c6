"""Names are data: in a terminal, in a spreadsheet, and in what the disk says."""

import csv
import errno

import pytest

from xai_jax.runtime import files, spreadsheet, summary
from xai_jax.runtime.metric_log import MetricLog
from xai_jax.runtime.progress import Progress
from xai_jax.runtime.terminal import plain
from xai_jax.scoring.table import write_csv

NAMES = ("a[/b]c", "[red]x[/red]", "[link=http://x]y", "[", "a\\[b", ":cat:", "2026-01-01 1.5 'x'")
FORMULAS = ("=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "\n=1", "=", "-", "+ 1", "- 1")
PLAIN = ("cat.png", "", "a=b", "'=1", " =1", "1.5", "-1.5", "+3", "-inf", "1e-9")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("terminal", ["1", ""])
def test_a_name_is_shown_as_it_is_where_a_bar_is_and_where_none_is(
    monkeypatch, capsys, name, terminal
):
    monkeypatch.setenv("FORCE_COLOR", terminal)
    monkeypatch.setenv("TERM", "dumb" if not terminal else "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with Progress() as shown:
        shown.note(f"loading {name}")
        shown.say(f"warning: {name}")
        shown.start(2, 0)
        shown.advance(2)
    said = capsys.readouterr().err
    assert f"loading {name}" in said and f"warning: {name}\n" in said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat ü 猫.png", "cat ü 猫.png"),
        ("a\nxai-jax: done", "a\\nxai-jax: done"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x9b31m", "\\x9b31m"),
        ("gnp.\u202egpj", "gnp.\\u202egpj"),
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_what_cannot_be_printed_is_written_out(capsys, name, shown):
    assert plain(name) == shown
    with Progress() as progress:
        progress.say(name)
    assert capsys.readouterr().err == f"{shown}\n"


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path, name):
    assert spreadsheet.cell(name) == f"'{name}"
    row = summary.Row(
        picture=name, digest="", status="done", target_name=name, numbers={"kept": -0.5}
    )
    summary.write_csv(tmp_path, [row, summary.Row.skipped("b", "", name)])
    with open(tmp_path / summary.NAME, newline="") as file:
        first, second = csv.DictReader(file)
    assert {first["picture"], first["target_name"], second["reason"]} == {f"'{name}"}
    assert first["kept"] == "-0.5"
    write_csv(tmp_path / "scores.csv", ["contestant", name], [[name, "-0.5"]])
    with open(tmp_path / "scores.csv", newline="") as file:
        assert list(csv.reader(file)) == [["contestant", f"'{name}"], [f"'{name}", "-0.5"]]


def test_a_carriage_return_counts_too():
    assert spreadsheet.cell("\r=1") == "'\r=1"


@pytest.mark.parametrize("value", [*PLAIN, -1.5, 3, None])
def test_every_other_cell_stays_as_it_is(value):
    assert spreadsheet.cell(value) == value


def full(*args, **settings):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def line(tmp_path):
    """One line of a log on a disk that becomes full."""

    def write():
        with MetricLog(tmp_path, tensorboard=False) as log:
            log.sync()

    return write


def test_a_full_disk_is_said_with_the_name_of_the_file(tmp_path, monkeypatch, line):
    monkeypatch.setattr(files.os, "fsync", full)
    path = tmp_path / "some.json"
    for write, place in {
        lambda: files.write_whole(path, b"x"): path,
        line: tmp_path / "metrics.jsonl",
    }.items():
        with pytest.raises(OSError) as error:
            write()
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(place))


def test_the_name_that_the_disk_gives_stays(tmp_path):
    with pytest.raises(FileNotFoundError) as error, files.named(tmp_path):
        open("/gone/there")
    assert error.value.filename == "/gone/there"


def test_a_folder_that_is_refused_keeps_no_lock_and_is_not_made(tmp_path):
    for folder in (tmp_path, tmp_path / "new"):
        with pytest.raises(ValueError, match="refused"), files.held(folder):
            assert (folder / files.LOCK).exists()
            raise ValueError("refused")
    assert list(tmp_path.iterdir()) == []
    with files.held(tmp_path / "new"):
        (tmp_path / "new" / "result").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["result"]


def test_a_lock_that_its_holder_has_just_removed_holds_nobody_out_and_nobody_in(
    tmp_path, monkeypatch
):
    opened = files.os.open

    def and_then_removed(path, *rest):
        descriptor = opened(path, *rest)
        files.os.unlink(path)  # by the process that held the folder until now
        return descriptor

    monkeypatch.setattr(files.os, "open", and_then_removed)
    with pytest.raises(ValueError, match="Another process"), files.held(tmp_path):
        raise AssertionError("not reached")
    monkeypatch.undo()
    with files.held(tmp_path):
        pass
