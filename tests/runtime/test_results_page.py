"""The examples of docs/results.md run as they stand there."""

import pathlib
import re

import fake_run
import pytest

from xai_jax.core.outputs import COUNTERFACTUAL, KEEP, SALIENCY, Output
from xai_jax.runtime import manifest, store

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "results.md").read_text()
# The last one, of a method that was trained, is in tests/test_docs_trained.py.
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[:-1]


@pytest.mark.parametrize("example", EXAMPLES, ids=["load", "classes", "zarr", "xarray"])
def test_an_example_of_the_page_runs_on_a_folder_called_results(
    example, tmp_path, monkeypatch, capsys
):
    fake_run.write(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    variables: dict = {}
    exec(compile(example, "docs/results.md", "exec"), variables)
    printed = capsys.readouterr().out
    if "masks" in variables:
        # Of the first picture: the mean of each mask, and log-odds that fall by 1 a class.
        keep, original = variables["masks"], variables["results"]["log_odds_original"][0]
        wanted = [
            f"{name} {keep[..., k].mean():.2f} {original - k:+.2f}"
            for k, name in enumerate(fake_run.CLASSES)
        ]
        assert printed.splitlines() == wanted
    elif "xarray" in variables:
        assert "(area: 20)" in printed and printed.endswith(f"{KEEP.meaning}\n")
    elif "results" in variables:
        assert printed.startswith("fido ssr True\nanimals/picture 0.jpg ")
        assert f"saliency {SALIENCY.axes} {SALIENCY.unit} {SALIENCY.meaning}\n" in printed
        assert variables["kept"].shape == (5,)
    else:
        assert printed.splitlines() == [
            "(5, 16, 16, 1) (2, 16, 16, 1)",
            f"{KEEP.unit} | {KEEP.meaning}",
        ]
        assert variables["curve"].shape == (5, len(variables["shares"]))


def row(output: Output) -> str:
    """The line of the table that says what an output declares."""
    axes = ", ".join(f"`{axis}`" for axis in output.axes) or "none"
    empty = str(store.fill(output)).replace("nan", "NaN")
    cells = f"`{output.name}`", axes, output.stored, output.unit, output.meaning, empty
    return "| " + " | ".join(cells) + " |"


def test_the_table_of_arrays_is_what_the_standard_outputs_declare():
    head = "| name | axes | type | unit | meaning | no result |\n|---|---|---|---|---|---|\n"
    table = PAGE.split(head)[1].split("\n\n")[0].splitlines()
    assert table == [row(output) for output in (*fake_run.STANDARD, COUNTERFACTUAL)]


def test_the_page_says_what_becomes_of_a_changed_picture_and_of_an_older_folder():
    prose = " ".join(PAGE.split())  # wherever its lines break
    assert "is explained anew, and it alone" in prose and "`digests`" in PAGE
    assert f"(format {manifest.FORMAT - 1})" in prose
