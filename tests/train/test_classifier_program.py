"""The real program on decoded pictures, up to the exported file: killed, and as two processes."""

import time

import numpy as np
import pytest
from programs import SECONDS, ended, start, start_two

from xai_jax.runtime import metric_log, weights_file
from xai_jax.train.fit import CHECKPOINTS

CONFIG, STEPS, EVERY = "smoke/classifier", 12, 3
FLAGS = (
    f"--config.num_steps={STEPS}",
    f"--config.checkpoint_every={EVERY}",
    f"--config.validation.every={2 * EVERY}",
    "--config.validation.data.source.num=24",
    "--config.batch_size=8",
    "--config.log_every=1",
)
FILE = "classifier.safetensors"


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The folder of a run of one process and one device that nobody disturbed."""
    workdir = tmp_path_factory.mktemp("straight")
    process = start(CONFIG, workdir, devices=1, flags=FLAGS)
    said = ended(process)
    assert process.returncode == 0, said
    assert metric_log.read(workdir)[-1]["step"] == STEPS
    return workdir


def saved(workdir) -> set[int]:
    """Steps of the whole checkpoints."""
    folder = workdir / CHECKPOINTS
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return {int(name) for name in names if name.isdigit()}


def test_a_program_that_is_killed_and_started_again_leaves_the_same_files(tmp_path, straight):
    process = start(CONFIG, tmp_path, devices=1, flags=FLAGS)
    deadline = time.monotonic() + SECONDS
    while not saved(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()  # SIGKILL: no handler runs
    ended(process)
    before = saved(tmp_path)
    assert process.returncode == -9 and before and STEPS not in before
    assert not (tmp_path / FILE).exists()
    again = start(CONFIG, tmp_path, devices=1, flags=FLAGS)
    said = ended(again)
    assert again.returncode == 0, said
    assert f"Going on after step {max(before)}." in said
    for name in (metric_log.NAME, FILE):
        assert (tmp_path / name).read_bytes() == (straight / name).read_bytes(), name


def test_two_processes_share_the_pictures_and_export_what_one_does(tmp_path, straight):
    processes = start_two(CONFIG, tmp_path, devices=1, flags=FLAGS)
    said = [ended(process) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    for one, other in zip(metric_log.read(tmp_path), metric_log.read(straight), strict=True):
        assert one.keys() == other.keys()
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-4, atol=1e-5)
    ours, theirs = (weights_file.read(folder / FILE).arrays for folder in (tmp_path, straight))
    assert ours.keys() == theirs.keys() and len(ours) > 50
    for name, array in ours.items():
        # Twelve steps of Adam move a weight by some 3e-2, all of them by sums in another order.
        np.testing.assert_allclose(array, theirs[name], rtol=0, atol=1e-4, err_msg=name)
