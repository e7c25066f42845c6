"""Two processes of four devices each train as one of eight; one that is left alone says so."""

import json
import signal
import time

import numpy as np
import pytest
from programs import SECONDS, ended, start, start_two

from xai_jax.runtime import distributed, metric_log

CONFIG = "smoke/line"


def lines(workdir) -> list:
    return metric_log.read(workdir) if (workdir / metric_log.NAME).exists() else []


def assert_close(some, others):
    assert [line.keys() for line in some] == [line.keys() for line in others]
    for one, other in zip(some, others, strict=True):
        # Two processes add up in another order; what is noise at the end is below 1e-6.
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-4, atol=1e-6)


FLAGS = ("--config.method.noise=0.3", "--config.num_steps=60", "--config.checkpoint_every=20")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("alone")
    process = start(CONFIG, workdir, devices=8, flags=FLAGS)
    said = ended(process)
    assert process.returncode == 0, said
    return lines(workdir)


def test_two_processes_learn_what_one_learns(tmp_path, alone):
    processes = start_two(CONFIG, tmp_path, devices=4, flags=FLAGS)
    said = [ended(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert_close(lines(tmp_path), alone)
    assert alone[-1]["train/loss" if "train/loss" in alone[-1] else "valid/loss"] < 1.0
    assert "steps" in said[0] and "steps" not in said[1]  # one voice


@pytest.mark.parametrize("victim", [0, 1])
def test_when_one_process_dies_the_other_says_so_and_the_run_resumes(tmp_path, victim):
    long = ("--config.num_steps=1000000", "--config.log_every=5", "--config.checkpoint_every=20")
    processes = start_two(CONFIG, tmp_path, devices=4, flags=long, hasty=True)
    deadline = time.monotonic() + SECONDS
    while len(lines(tmp_path)) < 10 and time.monotonic() < deadline:
        time.sleep(0.2)
    processes[victim].send_signal(signal.SIGKILL)
    said = ended(processes[1 - victim])
    assert processes[1 - victim].returncode != 0
    ended(processes[victim])
    assert "process" in said and "stops because another one has ended" in said, said
    before = max(int(p.name) for p in (tmp_path / "checkpoints").iterdir() if p.name.isdigit())
    config = json.loads((tmp_path / "config.json").read_text())
    config["num_steps"] = before + 10  # an end, so that this test has one
    (tmp_path / "config.json").write_text(json.dumps(config))
    to_the_end = (*long, f"--config.num_steps={before + 10}")
    again = start_two(CONFIG, tmp_path, devices=4, flags=to_the_end)
    said = [ended(process) for process in again]
    assert [process.returncode for process in again] == [0, 0], said
    assert f"Going on after step {before}." in said[0]
    assert lines(tmp_path)[-1]["step"] == before + 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("localhost", 0, 2), "--coordinator localhost is not of the form host:port"),
        (("localhost:1", None, 2), "--coordinator needs --process-index and --process-count"),
        (("localhost:1", 2, 2), "--process-index 2 is outside 0 to 1"),
        ((None, 0, 2), "--process-index and --process-count need --coordinator"),
    ],
)
def test_flags_that_do_not_say_who_takes_part_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence), distributed.program(*arguments):
        raise AssertionError("not reached")


def test_bad_input_ends_the_program_with_one_sentence(tmp_path):
    process = start(CONFIG, tmp_path / "run", devices=8, flags=["--config.batch_size=12"])
    said = ended(process)
    assert process.returncode == 1
    wanted = "train.py: batch_size 12 is not a multiple of the 8 devices; use 8 or 16."
    assert said.splitlines() == [wanted]
    assert not (tmp_path / "run").exists()
