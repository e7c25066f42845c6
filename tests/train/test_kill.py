"""kill -9 at any moment, within a save too, changes nothing in what a run ends with."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "killed_fit.py"
EVERY = 13  # of some 114 file operations; the program's second argument tries other ones


def test_a_run_that_is_killed_at_any_file_operation_ends_with_the_same_bytes(tmp_path):
    two_devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", PROGRAM, tmp_path, "all", str(EVERY)],
        env=os.environ | two_devices | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    assert said["operations"] > 60  # four saves, of some 25 operations each
    outcomes = said["stages"]
    assert sum(stage["killed"] for stage in outcomes.values()) >= len(outcomes) - 1 >= 4
    assert all(stage["same"] for stage in outcomes.values()), outcomes
