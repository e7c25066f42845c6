"""A signal ends a training after its step, with a checkpoint from which it goes on to the byte."""

import hashlib
import os
import signal
import subprocess
import time

import jax
import numpy as np
import pytest
from programs import SECONDS, ended, start, start_two

from configs.smoke.straight_line import Line, LineData
from xai_jax.experiment import Experiment, Validation
from xai_jax.runtime import ending, metric_log
from xai_jax.runtime.ending import Stopped
from xai_jax.train.fit import CHECKPOINTS, fit
from xai_jax.train.reporter import Reporter

CONFIG = "smoke/line"
STEPS = 24
GOES_ON = "whose checkpoint is kept, and the same command goes on from there."


def experiment() -> Experiment:
    return Experiment(
        method=Line(),
        data=LineData(),
        validation=Validation(data=LineData(num=20, seed=1, endless=False), every=8),
        num_steps=STEPS,
        batch_size=8,
        log_every=5,
        checkpoint_every=6,
    )


def digest(outcome, workdir) -> str:
    state = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(outcome.state))
    return hashlib.sha256(state + (workdir / metric_log.NAME).read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def heard():
    """Programs that are started hear Ctrl-C, as in a terminal; a job in the background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def steps_in(workdir) -> list[int]:
    return sorted(int(p.name) for p in (workdir / CHECKPOINTS).glob("*") if p.name.isdigit())


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("straight")
    return digest(fit(experiment(), workdir), workdir)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("at", [1, 4, 5, 6, 7, 8, 12, 18, 23])
def test_it_stops_after_that_step_and_ends_with_the_same_bytes(
    listening, straight, tmp_path, monkeypatch, name, at
):
    real = Reporter.made

    def made(self, step, **rest):
        real(self, step, **rest)
        if step == at:
            signal.raise_signal(getattr(signal, name))

    monkeypatch.setattr(Reporter, "made", made)
    with pytest.raises(Stopped) as stopped:
        fit(experiment(), tmp_path)
    assert stopped.value.number == getattr(signal, name)
    assert str(stopped.value) == f"after step {at}, {GOES_ON}"
    assert max(steps_in(tmp_path)) == at
    ending.listen("some.py")  # as another process would
    assert digest(fit(experiment(), tmp_path), tmp_path) == straight


@pytest.mark.parametrize("at", [8, 16])
def test_a_validation_is_finished_first(listening, straight, tmp_path, monkeypatch, at):
    real = Reporter.line

    def line(self, step, prefix, values):
        if (step, prefix) == (at, "valid"):
            signal.raise_signal(signal.SIGTERM)
        real(self, step, prefix, values)

    monkeypatch.setattr(Reporter, "line", line)
    with pytest.raises(Stopped, match=f"after step {at}, "):
        fit(experiment(), tmp_path)
    monkeypatch.setattr(Reporter, "line", real)
    ending.listen("some.py")
    assert digest(fit(experiment(), tmp_path), tmp_path) == straight


def test_a_signal_in_the_last_step_changes_nothing(listening, straight, tmp_path, monkeypatch):
    real = Reporter.made

    def made(self, step, **rest):
        real(self, step, **rest)
        if step == STEPS:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Reporter, "made", made)
    assert digest(fit(experiment(), tmp_path), tmp_path) == straight


def logged(workdir) -> bool:
    path = workdir / metric_log.NAME
    return path.exists() and path.stat().st_size > 0


def wait_for(condition, *processes) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)


LONG = ("--config.num_steps=1000000", "--config.log_every=50", "--config.validation.every=1000000")


@pytest.mark.parametrize(
    ("name", "code", "words", "every"),
    [
        ("SIGTERM", 143, "stopped by SIGTERM", 1_000_000),
        ("SIGINT", 130, "stopped", 5),  # within a save, as good as always
    ],
)
def test_the_program_leaves_a_checkpoint_and_says_where_it_goes_on(
    tmp_path, name, code, words, every
):
    flags = (*LONG, f"--config.checkpoint_every={every}")
    process = start(CONFIG, tmp_path, devices=1, flags=flags)
    wait_for(lambda: logged(tmp_path), process)
    process.send_signal(getattr(signal, name))
    said = ended(process).splitlines()
    last = max(steps_in(tmp_path))
    assert process.returncode == code
    assert said[-2:] == [
        "train.py: stopping after this step; Ctrl-C ends it at once.",
        f"train.py: {words} after step {last}, {GOES_ON}",
    ]
    assert not any("Traceback" in line for line in said)
    assert not list(tmp_path.rglob("*tmp*"))


@pytest.mark.parametrize("kilobytes", [12, 24, 44])
def test_a_full_disk_ends_it_in_one_sentence(tmp_path, kilobytes):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only a privileged user can mount a small disk")
    try:
        process = start(CONFIG, disk / "run", devices=1, flags=["--config.checkpoint_every=20"])
        said = ended(process).splitlines()
    finally:
        process.communicate()
        subprocess.run(["umount", str(disk)], check=True)
    assert process.returncode == 1 and said[0] == "compiling, once"
    assert said[-1].startswith(f"train.py: {disk}/run/")
    assert said[-1].endswith(
        ": No space left on device; free some space and start again: what was computed is kept."
    )
    assert not any("Traceback" in line or "Error" in line for line in said)


def test_of_two_processes_one_is_told_and_both_stop_after_the_same_step(tmp_path):
    flags = (*LONG, "--config.checkpoint_every=1000000")
    processes = start_two(CONFIG, tmp_path, devices=1, flags=flags)
    wait_for(lambda: logged(tmp_path), *processes)
    processes[1].send_signal(signal.SIGTERM)
    said = [ended(process) for process in processes]
    assert [process.returncode for process in processes] == [143, 143], said
    (last,) = steps_in(tmp_path)
    for lines in said:
        assert f"train.py: stopped by SIGTERM after step {last}, {GOES_ON}" in lines.splitlines()
