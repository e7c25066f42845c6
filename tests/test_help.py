"""``--help`` names what can be chosen, and fits a terminal of 80 columns."""

import re

from xai_jax import choices, cli
from xai_jax.commands import described


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
    for command in (
        "explain",
        "predict",
        "classifiers",
        "merge",
        "report",
        "train",
        "evaluate",
        "convert",
    ):
        assert f"\n  {command} " in said
    assert cli.main(["--version"]) == 0
