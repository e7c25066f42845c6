"""Two processes of evaluate.py leave the scores of one."""

import csv
import os
import pathlib
import subprocess
import sys

from programs import SECONDS, free_port

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = """
from configs.smoke import explainer
from xai_jax.methods import gradients
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency

def get_config():
    gradient = Contestant(method=gradients.Gradient(), mask=stretched_saliency, num_specific=0)
    return Evaluation(
        explained=explainer.explained(),
        data=explainer.pictures("test", 7, 1),
        batch_size=2,
        contestants={"one": gradient, "two": gradient},
    )
"""


def start(config, workdir, *flags):
    devices = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    return subprocess.Popen(
        [sys.executable, "evaluate.py", f"--config={config}", f"--workdir={workdir}", *flags],
        cwd=ROOT,
        env=os.environ | devices | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def scores(workdir) -> list[dict[str, str]]:
    """All but the times."""
    rows = []
    for name in ("scores.csv", "per_picture.csv"):
        with open(workdir / name) as file:
            rows += [
                {k: v for k, v in row.items() if k != "milliseconds"}
                for row in csv.DictReader(file)
            ]
    return rows


def test_two_processes_score_what_one_scores(tmp_path):
    config, port = tmp_path / "config.py", free_port()
    config.write_text(CONFIG)
    several = [f"--coordinator=127.0.0.1:{port}", "--process-count=2"]
    programs = [
        start(config, tmp_path / "both", *several, f"--process-index={i}") for i in range(2)
    ]
    said = [program.communicate(timeout=SECONDS) for program in programs]
    assert [program.returncode for program in programs] == [0, 0], said
    one = start(config, tmp_path / "one")
    assert one.communicate(timeout=SECONDS) and one.returncode == 0
    assert scores(tmp_path / "both") == scores(tmp_path / "one")
    assert len(scores(tmp_path / "one")) > 7
    page = (tmp_path / "both" / "scores.md").read_text()
    assert said[0][0].endswith(page + "\n") and page not in said[1][0]
    signs = "two/batches/*.json"
    assert [path.read_bytes() for path in sorted((tmp_path / "both").glob(signs))] == [
        path.read_bytes() for path in sorted((tmp_path / "one").glob(signs))
    ]
