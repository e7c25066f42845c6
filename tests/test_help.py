"""``--help`` names what can be chosen, and fits a terminal of 80 columns."""

import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest

from xai_jax import choices, cli
from xai_jax.commands import described

ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = ("explain", "predict", "classifiers", "merge", "report", "convert", "train", "evaluate")


def test_the_help_has_a_line_for_each_method_and_infill_and_names_every_preset():
    said = described.explain()
    assert max(map(len, said.splitlines())) <= 80
    for name, kind in choices.METHODS.items():
        (item,) = re.findall(rf"^  {name}: .*(?:\n      .*)*", said, re.MULTILINE)
        for preset in choices.presets(kind):
            assert preset == choices.PUBLISHED or preset in item
    assert all(f"\n  {name}: " in said for name in choices.INFILLS)
    for name in described._LINES:
        assert name in {*choices.METHODS, *choices.INFILLS}


def test_the_overview_fits_a_terminal_and_names_every_command(capsys):
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    for command in COMMANDS:
        assert f"\n  {command} " in said
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"xai-jax {importlib.metadata.version('xai-jax')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_fits_a_terminal_and_has_examples(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    if command in ("train", "evaluate"):  # whose flags a process has once
        asked = [sys.executable, "-m", "xai_jax.cli", command, "--help"]
        ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
        said = ended.stdout
    else:
        with pytest.raises(SystemExit) as left:
            cli.main([command, "--help"])
        assert left.value.code == 0
        said = capsys.readouterr().out
    assert said.startswith(f"usage: xai-jax {command} ")
    assert max(map(len, said.splitlines())) <= 80
    assert "\n\n\n" not in said
    examples = re.findall(r"^  xai-jax (\S+) .*$|^  xai-jax (\S+)$", said, re.MULTILINE)
    named = {first or second for first, second in examples}
    assert command in named and named <= set(COMMANDS)
