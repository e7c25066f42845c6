"""The examples of docs/results.md run as they stand there."""

import pathlib
import re

import fake_run
import pytest

from xai_jax.runtime import store

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "results.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["load", "classes", "zarr"])
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
        keep, original = variables["masks"], variables["results"].log_odds["original"][0]
        wanted = [
            f"{name} {keep[..., k].mean():.2f} {original - k:+.2f}"
            for k, name in enumerate(fake_run.CLASSES)
        ]
        assert printed.splitlines() == wanted
    elif "results" in variables:
        assert printed.startswith("fido ssr True\nanimals/picture 0.jpg tabby ")
        assert variables["kept"].shape == (5,)
    else:
        assert printed == "(5, 16, 16, 1) (2, 16, 16, 1)\n"
        assert variables["curve"].shape == (5, len(variables["shares"]))


def test_the_page_names_every_array_with_its_type_and_what_stands_where_there_is_no_result():
    rows = re.findall(r"^\| (`.*?) \| `\[.*?\]` (\w+) \|.*\| (\S+) \|$", PAGE, re.MULTILINE)
    told = {
        name: (dtype, fill) for names, dtype, fill in rows for name in re.findall(r"`(.*?)`", names)
    }
    arrays = fake_run.arrays(slice(0, 2))
    stored = {name if "/" not in name else "trace/NAME" for name in arrays}
    assert set(told) == stored
    for name, (dtype, fill) in told.items():
        assert (store.dtype(name), str(store.fill(name)).lower()) == (dtype, fill.lower())
