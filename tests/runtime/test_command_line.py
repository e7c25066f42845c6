"""A command line that makes no sense is refused in one sentence, before anything is written."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from xai_jax.runtime import config_file

ROOT = pathlib.Path(__file__).parents[2]
LINE, PLANTED = "--config=configs/smoke/line.py", "--config=configs/smoke/evaluate_planted.py"
ENDS = "; --help shows the flags."


def answers(name: str, lines) -> list[tuple[int, str]]:
    """Exit code and stderr of the program, for each of the command lines."""
    done = subprocess.run(
        [sys.executable, "tests/programs_refuse.py", name, json.dumps(lines)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def places(tmp_path):
    """Folders and config files, some of which nobody should have named."""
    (tmp_path / "file").touch()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").touch()
    texts = {
        "raises": "def get_config():\n    raise ValueError('There is no data.')\n",
        "reads": "def get_config():\n    open('/gone/data.csv')\n",
        "domain": "from configs.smoke import line\n"
        "def get_config():\n    c = line.get_config()\n    c.num_steps = 0\n    return c\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_train_refuses_in_one_sentence_and_writes_nothing(places):
    run = f"--workdir={places / 'run'}"
    wanted = {
        (LINE, run, "--config.nope=1"): "--config has no field 'nope'; there are method, data",
        (LINE, run, "--config.num_step=1"): "--config has no field 'num_step'; did you mean 'num_s",
        (LINE, run, "--config.validation.evry=1"): "--config.validation has no field 'evry'; did",
        (LINE, run, "--config.method.learning_rte=1"): "--config.method has no field 'learning_rt",
        (
            LINE,
            run,
            "--config.data.seed.x=1",
        ): "--config.data.seed has no field 'x'; it has no fiel",
        (LINE, run, "--noconfig.tensorbord"): "--config has no field 'tensorbord'; did you mean",
        (LINE, run, "--config.a b=1"): "--config.a b names no field; write --config.a.b=VALUE.",
        (LINE, run, "--config.num_steps=0"): "experiment.Experiment: num_steps must be a whole n",
        (LINE, run, "--config.num_steps=abc"): "flag --config.num_steps=abc: invalid literal for",
        (LINE, run, "--workdr=x"): "Unknown command line flag 'workdr'. Did you mean: workdir",
        (LINE, run, "more"): f"'more' is no flag{ENDS}",
        (run,): "flag --config=None: Flag --config must have a value other than None",
        (LINE,): "flag --workdir=None: Flag --workdir must have a value other than None",
        (LINE, "--workdir="): f"flag --workdir=: it is empty; name a folder{ENDS}",
        ("--config=gone.py", run): "gone.py: No such file or directory; check that the place",
        (f"--config={places}/raises.py", run): f"{places}/raises.py: There is no data.",
        (f"--config={places}/domain.py", run): f"{places}/domain.py: experiment.Experiment: num_s",
        (f"--config={places}/reads.py", run): "/gone/data.csv: No such file or directory; check",
        (f"{LINE}:red", run): "configs/smoke/line.py has no choices; leave out :red.",
        (PLANTED, run): "configs/smoke/evaluate_planted.py: get_config() returns Evaluation and n",
        (LINE, f"--workdir={places}/file"): f"{places}/file: File exists; something that is no f",
        (LINE, f"--workdir={places}/foreign"): f"{places}/foreign holds thesis.tex and no run; ch",
        (LINE, "--workdir=/sys/run"): "/sys/run: ",
    }
    before = sorted(path for path in places.rglob("*") if "__pycache__" not in path.parts)
    for words, (code, said) in zip(wanted, answers("train.py", list(wanted)), strict=True):
        assert code == 1, (words, said)
        assert said.startswith(f"train.py: {wanted[words]}"), (words, said)
        assert said.count("\n") == 1 and said.endswith((".\n", "?\n")), (words, said)
    assert before == sorted(path for path in places.rglob("*") if "__pycache__" not in path.parts)


def test_evaluate_refuses_likewise(places):
    run = f"--workdir={places / 'run'}"
    fido = "--config.contestants.FIDO.method"
    wanted = {
        (PLANTED, run, f"{fido}.nun_steps=3"): f"{fido} has no field 'nun_steps'; did you mean",
        (PLANTED, run, "--config.contestants.FIDDO.method.num_steps=3"): "--config.contestants ha",
        (LINE, run): "configs/smoke/line.py: get_config() returns Experiment and not Evaluation;",
        (PLANTED, f"--workdir={places}/foreign"): f"{places}/foreign holds thesis.tex and no run",
        (PLANTED, f"--workdir={places}/file"): f"{places}/file: File exists; something that is n",
    }
    for words, (code, said) in zip(wanted, answers("evaluate.py", list(wanted)), strict=True):
        assert code == 1 and said.splitlines()[-1].startswith(f"evaluate.py: {wanted[words]}"), said
        assert "Traceback" not in said


@pytest.mark.parametrize("name", [".lock", "config.json.partial"])
def test_what_a_start_that_was_killed_has_left_is_not_foreign(tmp_path, name):
    (tmp_path / name).touch()
    config_file.check(tmp_path, {"a": 1})
    config_file.check(tmp_path / "new", {"a": 1})
    (tmp_path / "b").touch()
    with pytest.raises(ValueError, match="holds b and no run; choose an empty folder with --workd"):
        config_file.check(tmp_path, {"a": 1})
