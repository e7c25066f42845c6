"""The page that sets runs side by side, against runs whose every number is known beforehand."""

import json
import re
from html.parser import HTMLParser

import gallery
import numpy as np
import pytest

from xai_jax.commands import report as command
from xai_jax.core.areas import AREAS
from xai_jax.report import comparison, panels
from xai_jax.report.embedded import thumbnail

CLASSES = ("lion", "zebra", "puma")
VOID = {"meta", "link", "img", "input", "path"}
SHOWN = [known for known in gallery.GALLERY if known.level is not None]
SCORES = "contestant,picture,focus,auc\nfirst,{0},0.75,\nsecond,{0},0.5,0.25\nsecond,other,1,1\n"


class Outline(HTMLParser):
    """Rows of the table, each with its cells: attributes, texts and pictures; tags must balance."""

    def __init__(self, text: str):
        super().__init__()
        self.rows, self.open, self.sources = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append({**known, "cells": []})
        if tag in ("td", "th"):
            self.rows[-1]["cells"].append({**known, "text": "", "img": [], "lines": 0})
        if tag == "img":
            self.rows[-1]["cells"][-1]["img"].append(known["src"])
        if tag == "path":
            self.rows[-1]["cells"][-1]["lines"] += 1
        self.sources += [known[name] for name in ("src", "href") if name in known]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1]["cells"][-1]["text"] += data


def two_runs(tmp_path, **second):
    """One as it is, one without curves and mask of its own."""
    gallery.write(tmp_path / "first", class_names=())
    without = ("keep", *gallery.SCORES)
    gallery.write(tmp_path / "second", **{"without": without} | second)
    return tmp_path / "first", tmp_path / "second"


@pytest.fixture(scope="module")
def outline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    table = folder / "per_picture.csv"
    table.write_text(SCORES.format(SHOWN[0].name))
    path = comparison.write(two_runs(folder), folder / "page.html", table)
    return Outline(path.read_text(encoding="utf-8"))


def test_each_picture_has_a_row_and_each_run_a_column(outline):
    head, *rows = outline.rows
    assert [c["text"].strip() for c in head["cells"]] == ["picture", "first", "second"]
    assert [row["data-name"] for row in rows] == [known.name for known in SHOWN]
    assert all(len(row["cells"]) == 3 for row in rows)
    assert [row["data-number"] for row in rows] == list("12345")
    assert all(row["data-target"] == "class\N{NO-BREAK SPACE}1" for row in rows)


def test_the_page_asks_for_nothing_from_elsewhere(outline):
    assert all(re.match("data:|#", source) for source in outline.sources)


def test_cells_show_the_saliency_of_their_run(outline):
    for place, row in zip((0, 1, 2, 4, 5), outline.rows[1:], strict=True):
        overlay = panels.overlay(gallery.image(place), gallery.saliency(place))
        assert [cell["img"] for cell in row["cells"][1:]] == [[thumbnail(overlay)[0]]] * 2
        assert row["cells"][0]["img"] == [thumbnail(gallery.image(place))[0]]


def test_scores_are_those_of_the_run_and_of_the_table(outline):
    first, second = (json.loads(cell["data-scores"]) for cell in outline.rows[1]["cells"][1:])
    assert first["focus"] == 0.75 and "auc" not in first  # not defined
    assert second == {"focus": 0.5, "auc": 0.25}
    assert first["log_odds_kept"] == 1.25 and first["sufficient_area"] == AREAS[SHOWN[0].level]
    assert json.loads(outline.rows[1]["cells"][1]["data-words"])["focus"] == "0.75"
    assert "0.75" in outline.rows[1]["cells"][1]["text"]
    assert "focus" not in json.loads(outline.rows[2]["cells"][1]["data-scores"])


def test_curves_are_drawn_of_the_runs_that_have_them(outline):
    for row in outline.rows[1:]:
        assert [cell["lines"] for cell in row["cells"]] == [0, 3, 0]  # and even odds


def test_a_method_of_all_classes_answers_for_the_class_of_the_others(tmp_path):
    """As an evaluation leaves them: one explains PICTURE · CLASS, the other every class at once."""
    known = [
        gallery.Known(name="a.png · lion", level=3, target="lion"),
        gallery.Known(name="b.png · lion", level=3, target="lion"),
    ]
    gallery.write(tmp_path / "each", known, without=gallery.SCORES)
    both = [gallery.Known(name=f"{name}.png", level=3, target="zebra") for name in "ab"]
    gallery.write(tmp_path / "all", both, without=gallery.SCORES, class_names=CLASSES)
    path = comparison.write([tmp_path / "each", tmp_path / "all"], tmp_path / "page.html")
    rows = Outline(path.read_text()).rows[1:]
    # The gallery explains class 1 whatever its name, so both have it; nobody else has a row.
    assert [row["data-name"] for row in rows] == ["a.png", "b.png"]
    runs = [comparison._run(tmp_path / name) for name in ("each", "all")]
    keep = runs[1].saliency(comparison.Key("a.png", 2))
    np.testing.assert_array_equal(keep[..., 0], gallery.class_keep(3)[..., 2])
    assert runs[0].place(comparison.Key("a.png", 2)) is None
    assert runs[1].place(comparison.Key("b.png", 0)) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("same name", "^Two of the folders are called 'first'; rename one"),
        ("other pictures", "^first and second have no picture in common; compare runs of the same"),
        ("other pixels", "^first and second show two pictures under the name herd/zebra 10.png;"),
        ("no table", r"^.*gone\.csv is no table of scores; name the per_picture\.csv"),
        ("no run", "holds no run|manifest"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(tmp_path, wrong, sentence):
    known = [gallery.Known(name="else.png", level=3)]
    changed = {
        "other pictures": {"gallery": known},
        "other pixels": {"images": gallery.image(9) / np.float32(255)},
    }
    folders = two_runs(tmp_path, **changed.get(wrong, {}))
    folders = (folders[0], folders[0]) if wrong == "same name" else folders
    folders = (folders[0], tmp_path / "nothing") if wrong == "no run" else folders
    table = tmp_path / "gone.csv" if wrong == "no table" else None
    with pytest.raises(ValueError, match=sentence):
        comparison.write(folders, tmp_path / "page.html", table)
    assert not (tmp_path / "page.html").exists()


def test_the_command_writes_one_page_or_the_other(tmp_path, capsys):
    first, second = map(str, two_runs(tmp_path))
    command.main([first])
    assert capsys.readouterr().out.strip() == f"{first}/report.html"
    command.main([first, second])
    assert capsys.readouterr().out.strip() == f"{tmp_path}/comparison.html"
    command.main([first, second, "--out", str(tmp_path / "else.html")])
    assert (tmp_path / "else.html").read_bytes() == (tmp_path / "comparison.html").read_bytes()
    with pytest.raises(ValueError, match="are of a comparison; name two folders or more"):
        command.main([first, "--out", "page.html"])
    with pytest.raises(ValueError, match="There is no folder; name that of a run"):
        command.main([])


def test_runs_without_any_score_show_no_numbers_and_nothing_to_choose(tmp_path):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        gallery.write(folder, without=("keep", *gallery.SCORES))
    text = comparison.write(folders, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<label hidden>Score" in text and "None of these runs was scored" in text
    assert "data-column=" not in text.partition("<script>")[0] and 'class="big"' not in text
    head, *rows = Outline(text).rows
    assert [c["text"].strip() for c in head["cells"]] == ["picture", "first", "second"] and rows
