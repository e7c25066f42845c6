"""evaluate.py as people call it."""

import csv
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def evaluate(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "evaluate.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_the_program_scores_a_config_and_prints_the_table(tmp_path):
    done = evaluate(
        "--config=configs/smoke/evaluate_planted.py",
        f"--workdir={tmp_path}",
        "--config.contestants.FIDO.method.num_steps=3",
        "--config.contestants.Extremal.method.num_steps=3",
        "--config.batch_size=8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (tmp_path / "scores.md").read_text() + "\n"
    with open(tmp_path / "scores.csv") as file:
        rows = {row["contestant"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["FIDO", "Extremal", "Gradient", "0", "0.5", "1", "truth"]
    assert [row["pictures"] for row in rows.values()] == ["4", "4", "4", "16", "16", "16", "16"]
    # All evidence of the truth is on the object; a constant map has there what the object covers.
    assert float(rows["truth"]["energy_pointing"]) == float(rows["truth"]["rank_accuracy"]) == 1.0
    for name in ("energy_pointing", "rank_accuracy"):
        covered = float(rows["1"]["mean_f1"]) / (2 - float(rows["1"]["mean_f1"]))
        assert float(rows["1"][name]) == pytest.approx(covered, rel=0.05)
    assert not rows["0"]["energy_pointing"] and not rows["0"]["sparsity"]
    assert float(rows["truth"]["soft_iou"]) == float(rows["truth"]["mean_f1"]) == 1.0
    # The reader of planted pictures sees a texture under its mask, and under no other's.
    assert float(rows["truth"]["diagonal"]) > 0.9 > 0.2 > float(rows["truth"]["off_diagonal"])
    assert 0 < float(rows["FIDO"]["diagonal"]) < 1 and not rows["Extremal"]["diagonal"]


def test_what_is_wrong_ends_the_program_with_a_sentence(tmp_path):
    done = evaluate(
        "--config=configs/smoke/evaluate_explainer.py",
        f"--workdir={tmp_path}",
        "--config.contestants.explainer.trained=none.safetensors",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "evaluate.py: none.safetensors does not exist; train explainer first, or set "
        "--config.contestants.explainer.trained to its file."
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_it_at_once_in_one_sentence(tmp_path, name, code):
    program = (
        "import runpy, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as in a terminal
        "runpy.run_path('evaluate.py', run_name='__main__')\n"
    )
    words = ["--config=configs/smoke/evaluate_planted.py", f"--workdir={tmp_path}"]
    words += ["--config.contestants.FIDO.method.num_steps=400000"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        while process.poll() is None and not (tmp_path / "classifier.json").exists():
            time.sleep(0.01)
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == code
    *_, last = said.splitlines()
    assert last.startswith("evaluate.py: stopped") and "Traceback" not in said
    assert last.endswith("what was computed is kept, and the same command goes on from there.")


def test_void_as_object_is_a_setting_of_the_command_line(tmp_path):
    done = evaluate(
        "--config=configs/smoke/evaluate_planted.py",
        f"--workdir={tmp_path}",
        "--config.data.void_is_object=True",
        "--config.batch_size=8",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "evaluate.py: void_is_object does not go with masks='soft', since void is of no single "
        "class; set masks='union', or leave it off."
    )
    assert not list(tmp_path.iterdir())
