"""With JAX_ENABLE_X64=1, which other work of a process may want, everything is as without."""

import os
import pathlib
import subprocess
import sys

import in_double
import numpy as np
import planted

import xai_jax
from configs.smoke import line
from xai_jax.train.fit import fit

ROOT = pathlib.Path(__file__).parents[1]


def started(*command) -> subprocess.CompletedProcess:
    environment = os.environ | {"JAX_ENABLE_X64": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    return subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True
    )


def test_every_method_and_training_step_is_of_single_precision_and_explains_the_same(tmp_path):
    ended = started("tests/in_double.py", str(tmp_path / "keep.npy"))
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    found = np.load(tmp_path / "keep.npy")
    wanted = xai_jax.explain(planted.quadrant(), in_double.images(), **in_double.SETTINGS).keep
    assert found.dtype == np.float32
    for keep in found:
        np.testing.assert_allclose(keep, wanted, atol=1e-6)


def test_a_training_leaves_the_same_numbers(tmp_path):
    flags = ["--config.num_steps=20", "--config.log_every=10", "--config.validation.every=20"]
    config, double = "--config=configs/smoke/line.py", tmp_path / "double"
    ended = started("train.py", config, f"--workdir={double}", *flags)
    assert ended.returncode == 0, ended.stderr
    made = line.get_config()
    made.num_steps, made.log_every, made.validation.every = 20, 10, 20
    fit(made, tmp_path / "single")
    found = [(folder / "metrics.jsonl").read_text() for folder in (double, tmp_path / "single")]
    assert found[0] == found[1] and "loss" in found[0]
