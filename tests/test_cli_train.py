"""``xai-jax train`` and ``evaluate`` are train.py and evaluate.py, without the repository."""

import sys

import pytest

from xai_jax import cli
from xai_jax.scoring import program as scoring
from xai_jax.train import program as training


@pytest.mark.parametrize(("command", "program"), [("train", training), ("evaluate", scoring)])
def test_the_command_hands_its_flags_to_the_program(command, program, monkeypatch, capsys):
    seen = []

    def main():
        seen.append(list(sys.argv))
        raise ValueError("its config is missing.")

    monkeypatch.setattr(program, "main", main)
    monkeypatch.setattr(sys, "argv", ["xai-jax"])
    assert cli.main([command, "--config=none.py", "--workdir=run"]) == 1
    assert seen == [[f"xai-jax {command}", "--config=none.py", "--workdir=run"]]
    assert capsys.readouterr().err == f"xai-jax {command}: its config is missing.\n"
