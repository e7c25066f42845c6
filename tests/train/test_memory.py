"""Training holds a few batches in memory, however many pictures and steps there are."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from long_fit import BATCH, FIRST, LAST, SIDE

PROGRAM = pathlib.Path(__file__).parents[1] / "long_fit.py"
AHEAD = 20  # batches: more than wait, decoded or on the device, and fewer than there are


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak memory is read from /proc")
def test_memory_grows_neither_with_the_steps_nor_with_the_pictures(tmp_path):
    done = subprocess.run(
        [sys.executable, PROGRAM, tmp_path],
        env=os.environ | {"XLA_FLAGS": "", "PYTHONPATH": str(PROGRAM.parents[1])},
        check=True,
        capture_output=True,
        text=True,
    )
    used = {int(step): found for step, found in json.loads(done.stdout).items()}
    assert min(used) == FIRST and max(used) == LAST
    shown = (LAST - FIRST) * BATCH * SIDE * SIDE * 3  # bytes of the smallest form of the pictures
    assert used[LAST]["bytes"] - used[FIRST]["bytes"] < shown / 4
    for step, found in used.items():
        assert step * BATCH <= found["pictures"] <= (step + AHEAD) * BATCH
