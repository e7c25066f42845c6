"""The examples of docs/data.md run as they stand."""

import pathlib
import re

from xai_jax.data import catalog

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "data.md").read_text()


def test_the_examples_of_the_page_run_one_after_the_other(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    known = {}
    for block in blocks:
        exec(compile(block, "docs/data.md", "exec"), known)
    shapes = capsys.readouterr().out.splitlines()[0]
    assert shapes.startswith("(16, 96, 96, 3) (16, 4) (16, 96, 96, 4) {'step': 1, 'rows': 50")
    assert len(blocks) == 6


def test_every_data_set_of_the_catalog_is_on_the_page():
    specs = {n for n, spec in vars(catalog).items() if isinstance(spec, catalog.DatasetSpec)}
    assert specs == set(re.findall(r"^\| `([A-Z0-9_]+)` \|", PAGE, re.MULTILINE))
