"""The page of a run, read as text: what it says, and that it needs nothing else."""

import base64
import dataclasses
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import fake_run
import gallery
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from xai_jax import report
from xai_jax.core.areas import AREAS, most_salient, ranks
from xai_jax.report import entries, page, panels
from xai_jax.runtime import originals
from xai_jax.runtime.results import Results

VOID = {"meta", "link", "img", "input", "br", "path"}


class Outline(HTMLParser):
    """Articles of the page with their attributes, texts, pictures and data; tags must balance."""

    def __init__(self, text: str):
        super().__init__()
        self.articles, self.open, self.tags = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "article":
            self.articles.append({**attributes, "texts": [], "pictures": [], "sliders": []})
        if tag == "img":
            self.articles[-1]["pictures"].append(attributes)
        if tag == "input" and attributes["type"] == "range":
            self.articles[-1]["sliders"].append(attributes)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.articles and self.open and "article" in self.open:
            kind = "json" if self.open[-1] == "script" else "texts"
            self.articles[-1].setdefault(kind, []).append(data.strip())


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))))


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("run")
    gallery.write(folder)
    path = report.write(folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(text) -> Outline:
    return Outline(text)


def words(article: dict) -> str:
    return " ".join(t for t in article["texts"] if t)


def test_the_page_asks_for_nothing_from_elsewhere(text, outline):
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    for _, attributes in outline.tags:
        for name in ("src", "href", "srcset", "action", "poster"):
            assert re.match("data:|#", attributes.get(name, "#")), attributes
    assert "default-src 'none'" in text


def test_every_picture_of_the_run_is_on_the_page_in_its_order_and_the_skipped_ones_last(outline):
    assert [a["data-name"] for a in outline.articles] == [k.name for k in gallery.SHOWN]


def test_names_with_markup_are_shown_and_not_obeyed(text, outline):
    assert "<img src=x" not in text and "<i>fox" not in text
    assert gallery.HOSTILE in words(outline.articles[2])
    assert "<i>fox</i>" in words(outline.articles[2])


def test_a_skipped_picture_is_shown_with_its_reason(outline):
    article = outline.articles[-1]
    assert "It is <truncated>; copy it again." in words(article)
    assert article["pictures"] == [] and article["data-show"] == "skipped"


def test_each_picture_starts_at_its_smallest_sufficient_area(outline):
    for article, known in zip(outline.articles, gallery.SHOWN, strict=True):
        starts = [int(slider["value"]) for slider in article["sliders"]]
        assert starts == ([] if known.level is None else [known.level])


def test_the_numbers_of_the_start_are_those_of_the_curve(outline):
    shown = words(outline.articles[1])  # level 7 of 20, slope 2: 0.5 kept, 12.5 - 16 removed
    assert "16 %" in shown.replace("\xa0", " ")
    assert "log-odds +12.50" in shown  # the picture
    assert "log-odds +0.50" in shown and "62.2\xa0%" in shown  # 1 / (1 + exp(-0.5))
    assert "log-odds −3.50" in shown and "2.9\xa0%" in shown  # 1 / (1 + exp(3.5))
    assert "log-odds +1.25" in shown and "log-odds −1.25" in shown  # the method's own mask


def test_the_slider_has_the_stored_numbers_of_all_levels(outline):
    data = json.loads(outline.articles[0]["json"][0])
    assert [level["kept"] for level in data["levels"]][:6] == [
        *("−3.50", "−2.50", "−1.50", "−0.50", "+0.50", "+1.50")
    ]
    assert [level["area"] for level in data["levels"]][:3] == ["0.25\xa0%", "1\xa0%", "2.25\xa0%"]


def test_the_map_of_levels_keeps_exactly_the_pixels_that_were_scored(outline):
    for at, place in ((0, 0), (3, 4)):  # the skipped one stands last
        data = json.loads(outline.articles[at]["json"][0])
        levels = np.round(decoded(data["map"]) / 12)
        saliency_ranks = ranks(jnp.asarray(gallery.saliency(place))[None])
        for n, share in enumerate(AREAS):
            expected = np.asarray(most_salient(saliency_ranks, share))[0, ..., 0]
            np.testing.assert_array_equal(levels <= n, expected == 1)


def test_the_pictures_without_scripts_are_the_panels_at_the_start(outline):
    shown = [decoded(picture["src"]) for picture in outline.articles[3]["pictures"]]
    image, saliency = gallery.image(4), gallery.saliency(4)
    hard = np.asarray(most_salient(ranks(jnp.asarray(saliency)[None]), AREAS[12]))[0]
    expected = [
        image,
        panels.overlay(image, saliency),
        panels.kept(image, hard),
        panels.removed(image, hard),
        panels.kept(image, saliency + 0.5),
        panels.removed(image, saliency + 0.5),
    ]
    for drawn, panel in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(drawn, panel)


def test_every_picture_says_in_words_what_it_is(outline):
    pictures = [picture for article in outline.articles for picture in article["pictures"]]
    assert len(pictures) == 30 and all(picture["alt"] for picture in pictures)
    assert all((p["width"], p["height"]) == ("30", "24") for p in pictures)


def test_another_predicted_class_is_named(outline):
    assert "predicted: Egyptian cat" in words(outline.articles[3])
    assert outline.articles[3]["data-show"].split() == ["explained", "other"]
    assert "other" not in outline.articles[0]["data-show"]


def test_the_whole_manifest_is_on_the_page(text):
    shown = text.split('<footer class="provenance">')[1]
    for word in ("ab" * 32, "bicubic", "0.10.2", "infill config", "num steps"):
        assert word in shown


def test_the_infill_is_named_and_said_not_to_be_shown(text):
    assert re.search(r"infill \(blur\), which is not stored and not shown", text)


def test_a_row_of_values_that_are_no_numbers_is_shown_as_such(tmp_path):
    blank = np.full((gallery.HEIGHT, gallery.WIDTH, 1), np.nan)
    lines = {f"curve_{part}": np.full(20, np.nan) for part in ("kept", "removed")}
    lines |= {"objective": np.full(7, np.nan), "sufficient_area": np.array(np.nan)}
    gallery.write(tmp_path, saliency=blank, keep=blank, **lines)
    outline = Outline(report.write(tmp_path).read_text())
    first, second = outline.articles[:2]
    assert "not a number" in words(first) and first["sliders"] == [] and "json" not in first
    assert first["data-drop"] == "nan"
    assert "not a number" not in words(second) and len(second["sliders"]) == 1


def test_a_flat_map_is_shown_with_a_warning(tmp_path):
    gallery.write(tmp_path, saliency=np.zeros((gallery.HEIGHT, gallery.WIDTH, 1)))
    article = Outline(report.write(tmp_path).read_text()).articles[0]
    assert "The map is flat" in words(article) and "nothing to show" in words(article)


def test_a_method_without_a_trace_has_no_empty_half(tmp_path):
    untraced = ("objective", "mask_area")
    gallery.write(tmp_path / "listed", without=untraced)
    text = report.write(tmp_path / "listed").read_text()
    assert "Optimisation" not in text and 'class="likeliest beside"' in text
    gallery.write(tmp_path / "wide", without=(*untraced, "class_log_odds"))
    text = report.write(tmp_path / "wide").read_text()
    assert 'class="levels wide"' in text and "Likeliest" not in text
    gallery.write(tmp_path / "pair", without=(*untraced, *gallery.SCORES, "keep", "class_log_odds"))
    assert 'unscored pair"' in report.write(tmp_path / "pair").read_text()


def test_a_picture_beside_the_results_is_linked_and_one_that_is_gone_is_not(tmp_path):
    gallery.write(tmp_path / "results")
    names = [known.name for known in gallery.GALLERY]
    for name in names[:2]:
        (tmp_path / "my pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "my pictures" / name).touch()
    originals.write(tmp_path / "results", tmp_path / "my pictures")
    outline = Outline(report.write(tmp_path / "results").read_text())
    links = [a["href"] for tag, a in outline.tags if tag == "a" and a.get("class") == "file"]
    assert links == [f"../my%20pictures/{quote(name)}" for name in names[:2]]


def test_an_unfinished_run_shows_what_there_is_and_says_what_is_missing(tmp_path):
    fake_run.write(tmp_path, num_pictures=5, batch_size=2, unfinished=1)
    text = report.write(tmp_path).read_text()
    assert len(Outline(text).articles) == 4
    assert "1 of 5 pictures still have to be computed" in text


def test_a_run_of_which_nothing_is_computed_has_a_page_too(tmp_path):
    fake_run.write(tmp_path, unfinished=3)
    text = report.write(tmp_path).read_text()
    assert Outline(text).articles == [] and "5 of 5 pictures still have to be computed" in text


def test_a_run_without_pictures_has_a_page_too(tmp_path):
    fake_run.manifest(0, 2).write(tmp_path)
    assert Outline(report.write(tmp_path).read_text()).articles == []


def test_a_name_that_is_no_unicode_is_shown_escaped(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    known = dataclasses.replace(gallery.GALLERY[0], name=name)
    gallery.write(tmp_path, (known,))
    assert "caf\\udce9.png" in report.write(tmp_path).read_text(encoding="utf-8")


def test_few_pictures_are_in_memory_while_the_page_is_written(tmp_path):
    many = tuple(dataclasses.replace(gallery.GALLERY[0], name=f"{i}.png") for i in range(12))
    gallery.write(tmp_path, many)
    results, taken = Results.read(tmp_path), []

    def counted():
        for picture in entries.pictures(results):
            taken.append(picture.name)
            yield picture

    seen = 0
    for piece in page.render(results, counted()):
        seen += piece.count('id="picture-')
        assert len(taken) <= seen + 2 * entries.THREADS
    assert seen == len(taken) == 12


def test_a_failure_leaves_the_older_page_and_no_rubbish(tmp_path, monkeypatch):
    gallery.write(tmp_path)
    (tmp_path / "report.html").write_text("older")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(panels, "overlay", full)
    with pytest.raises(OSError, match="No space"):
        report.write(tmp_path)
    assert (tmp_path / "report.html").read_text() == "older"
    assert not list(tmp_path.glob("*.partial"))


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="manifest.json"):
        report.write(tmp_path)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours #rrggbb."""

    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_words_have_enough_contrast_in_both_schemes(scheme):
    style = (Path(page.__file__).parent / "page.css").read_text()
    colours = dict(
        re.findall(r"--([\w-]+): (#\w{6})", re.findall(r":root \{([^}]*)", style)[scheme])
    )
    for word in ("ink", "soft", "kept", "removed", "warn"):
        for ground in ("paper", "card"):
            assert contrast(colours[word], colours[ground]) >= 4.5, (word, ground)
    assert contrast(colours["faint"], colours["card"]) >= 3  # lines of the charts
