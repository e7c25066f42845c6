"""Every command of the pages is one that can be given: its words are read, and nothing is run.

What the commands do is tested where they live; most of those on the pages take minutes or hours.
"""

import pathlib
import re
import shlex
import sys

import pytest
import tiny_cli
import tyro
from absl import flags
from ml_collections import config_flags

from benchmarks.__main__ import BENCHMARKS
from xai_jax import cli
from xai_jax.classifiers import pretrained
from xai_jax.commands import arguments, classifiers, convert, merge, predict, report

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "configs/README.md"]
PLAIN = {
    "predict": predict.Arguments,
    "classifiers": classifiers.Arguments,
    "merge": merge.Arguments,
    "report": report.Arguments,
    "convert": convert.Arguments,
}
LOADS_CONFIGS = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")


def commands() -> list[list[str]]:
    """The words of every command that stands on a line of its own, or of several joined by a \\."""
    found = []
    for page in PAGES:
        for benchmark in re.findall(r"`(python -m benchmarks \w+)`", page.read_text("utf-8")):
            found.append(benchmark.split())
        for line in re.sub(r"\\\n *", "", page.read_text("utf-8")).splitlines():
            start = re.search(r"^(?: {2,}|gcloud.*--command=\")?((?:xai-jax|python|make) .*)", line)
            if start:
                words = shlex.split(start[1].rstrip('"'), comments=True)
                found += [words] if words not in found else []
    return found


COMMANDS = [words for words in commands() if "..." not in words]


def of(*first: str) -> list[list[str]]:
    return [words[len(first) :] for words in COMMANDS if tuple(words[: len(first)]) == first]


def test_the_commands_of_the_pages_are_found():
    known = ("xai-jax", "python", "make")
    assert len(COMMANDS) > 80 and {words[0] for words in COMMANDS} <= set(known)
    programs = {words[1] for words in COMMANDS if words[0] == "python"}
    assert programs <= {"train.py", "evaluate.py", "-m"}, programs
    assert {words[1] for words in COMMANDS if words[0] == "xai-jax"} <= {"explain", *PLAIN}


@pytest.mark.parametrize("given", of("xai-jax", "explain"), ids=" ".join)
def test_a_command_that_explains_is_read(given):
    if "--checkpoint" in given:  # whose file says the method and its settings
        at = given.index("--checkpoint")
        given = given[:at] + given[at + 2 :]
    words = ["0" if word == "$JOB_COMPLETION_INDEX" else word for word in given]
    args, _ = arguments.parse([word for word in words if not word.startswith("$")])
    assert args.pictures or "$several" in given


@pytest.mark.parametrize("name", PLAIN)
def test_another_command_is_read(name):
    for given in of("xai-jax", name):
        tyro.cli(PLAIN[name], args=given)
    assert cli._command(name)


@LOADS_CONFIGS
@pytest.mark.parametrize("given", of("python", "train.py") + of("python", "evaluate.py"), ids=str)
def test_a_config_is_there_and_has_the_fields_that_are_set(given, monkeypatch):
    monkeypatch.chdir(ROOT)
    # An oracle that scores pictures has been trained before, by another command of the page.
    monkeypatch.setattr(pretrained.Named, "load", lambda self: tiny_cli.load("quadrant"))
    program = ["train.py", *(word for word in given if word.startswith("--config"))]
    monkeypatch.setattr(sys, "argv", program)
    values = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=values)
    values(program)
    assert values.config
    others = {word.split("=")[0] for word in given} - {word.split("=")[0] for word in program}
    assert "--workdir" in others


def test_the_benchmarks_and_the_targets_of_make_exist():
    for program, name, *_ in of("python", "-m"):
        known = {"NAME", *BENCHMARKS} if program == "benchmarks" else set()
        assert name in known or (program == "pytest" and (ROOT / name).exists()), (program, name)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in of("make"):
        assert words[0] in targets
