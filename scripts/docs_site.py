"""Lays the pages of the repository out for mkdocs: ``make docs`` runs it, then mkdocs.

Pages keep their places, so that the links between them hold in the repository and in the site. A
notebook becomes a page of its cells, with the notebook beside it.
"""

import argparse
import json
import pathlib
import shutil

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "configs/README.md", "docs/*.md")
PICTURES = ("docs/pictures/*",)
NOTEBOOKS = ("docs/notebooks/*.ipynb",)


def lay_out(out: pathlib.Path, root: pathlib.Path = ROOT) -> None:
    """Writes all pages, pictures and notebooks below `out`, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    for file in files(root, PICTURES + NOTEBOOKS):
        _copied(file, root, out)
    for file in files(root, PAGES):
        _copied(file, root, out).write_text(file.read_text("utf-8").replace(".ipynb)", ".md)"))
    for file in files(root, NOTEBOOKS):
        place = (out / file.relative_to(root)).with_suffix(".md")
        place.write_text(page_of(json.loads(file.read_text("utf-8")), file.name))


def files(root: pathlib.Path, patterns: tuple[str, ...]) -> list[pathlib.Path]:
    """The files below a folder that the patterns name."""
    return sorted(file for pattern in patterns for file in root.glob(pattern))


def _copied(file: pathlib.Path, root: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    place = out / file.relative_to(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, place)
    return place


def page_of(notebook: dict, name: str) -> str:
    """The cells of a notebook as Markdown, its outputs left out."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    title, *rest = parts
    return "\n\n".join([title, f"The notebook itself: [{name}]({name}).", *rest]) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    lay_out(parser.parse_args().out)
