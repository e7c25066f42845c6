"""The pages as a site: every page is in it, and every link leads somewhere."""

import json
import pathlib
import re

import pytest
import yaml

from scripts import docs_site

ROOT = pathlib.Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "pages"
    docs_site.lay_out(out)
    return out


def in_menu(entry) -> list[str]:
    """The files that a part of mkdocs' menu names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [file for part in parts for file in in_menu(part)]


def test_the_menu_names_every_page_once(site):
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    pages = [page.relative_to(site).as_posix() for page in site.rglob("*.md")]
    assert sorted(in_menu(settings["nav"])) == sorted(pages)
    assert settings["docs_dir"] in (ROOT / "Makefile").read_text("utf-8")


def anchors(page: pathlib.Path) -> set[str]:
    """What links to the headings of a page end with."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"[\s-]+", "-", heading) for heading in plain}


def broken(site: pathlib.Path) -> list[str]:
    found = []
    for page in site.rglob("*.md"):
        for link in LINK.findall(page.read_text("utf-8")):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            is_there = target.is_file() and (not anchor or anchor in anchors(target))
            if not link.startswith("https://") and not is_there:
                found.append(f"{page.relative_to(site)}: {link}")
    return found


def test_every_link_leads_to_a_page_and_a_heading(site):
    assert broken(site) == []


def test_a_planted_broken_link_is_found(tmp_path):
    links = "[a](gone.md) [b](b.md#here) [c](b.md#not-here) [d](https://example.org) [e](#top)"
    (tmp_path / "a.md").write_text(f"# Top\n\n{links}\n")
    (tmp_path / "b.md").write_text("# Here\n")
    assert broken(tmp_path) == ["a.md: gone.md", "a.md: b.md#not-here"]


def test_a_notebook_is_a_page_of_its_cells_with_the_notebook_beside_it(site):
    notebook = ROOT / "docs/notebooks/own_classifier.ipynb"
    page = (site / "docs/notebooks/own_classifier.md").read_text("utf-8")
    assert page.startswith("# A classifier of your own\n")
    assert (site / "docs/notebooks/own_classifier.ipynb").read_bytes() == notebook.read_bytes()
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        assert "".join(cell["source"]) in page
    assert "docs/notebooks/own_classifier.md" in (site / "README.md").read_text("utf-8")
