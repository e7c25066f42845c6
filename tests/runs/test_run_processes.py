"""Two processes of ``xai-jax explain``, killed and started again, leave what one leaves."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import tiny_cli
import tiny_run
from programs import SECONDS, ended, free_port

ROOT = pathlib.Path(__file__).parents[2]
HASTY = """
import runpy, sys
from xai_jax.runtime import distributed
distributed.HEARTBEAT = 5  # of the usual 30 seconds a test would only wait
sys.argv[0] = "xai-jax"
runpy.run_path("tests/tiny_cli.py", run_name="__main__")
"""
GOES_ON = "what was computed is kept, and the same command goes on from there."
SETTINGS = (*tiny_cli.PLANTED, "--grids", "4", "--num-steps", "2000", "--batch-size", "2")


def start(pictures, out, *flags):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", HASTY, "explain", pictures, "--out", out, *SETTINGS, *flags],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(pictures, out):
    several = ("--coordinator", f"127.0.0.1:{free_port()}", "--process-count", "2")
    return [start(pictures, out, *several, "--process-index", str(i)) for i in range(2)]


def wait_for_batches(out, num: int, processes) -> None:
    deadline = time.monotonic() + SECONDS
    while len(list(out.glob("batches/*.json"))) < num:
        assert all(process.poll() is None for process in processes), "ended too soon"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return tiny_run.make_pictures(tmp_path_factory.mktemp("pictures"), 24)


@pytest.fixture(scope="module")
def alone(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    process = start(pictures, out)
    said = ended(process)
    assert process.returncode == 0, said
    return tiny_run.hashes(out)


def test_two_processes_that_were_killed_and_stopped_leave_the_bytes_of_one(
    pictures, alone, tmp_path
):
    both = start_two(pictures, tmp_path)
    wait_for_batches(tmp_path, 2, both)
    both[1].send_signal(signal.SIGKILL)
    said = ended(both[0])
    ended(both[1])
    assert both[0].returncode == 1
    assert "stops because another one has ended or cannot be reached" in said, said

    both = start_two(pictures, tmp_path)
    wait_for_batches(tmp_path, 1 + len(list(tmp_path.glob("batches/*.json"))), both)
    for process in both:
        process.send_signal(signal.SIGTERM)  # as a launcher does whose hosts are taken away
    said = [ended(process) for process in both]
    assert [process.returncode for process in both] == [143, 143], said
    assert all(f"xai-jax: stopped by SIGTERM; {GOES_ON}" in lines for lines in said), said
    assert len(list(tmp_path.glob("batches/*.json"))) < 12

    both = start_two(pictures, tmp_path)
    said = [ended(process) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert tiny_run.hashes(tmp_path) == alone
