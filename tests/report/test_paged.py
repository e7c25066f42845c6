"""The report of many pictures: an index, pages of cards, and thumbnails as files."""

import re

import gallery
import numpy as np
import pytest
from gallery import NUM, SKIPPED, many
from PIL import Image
from test_page import Outline, decoded, words

from xai_jax import report
from xai_jax.report import page, paged, panels


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(page, "MOST", 20)


def contents(folder) -> dict[str, bytes]:
    found = [folder / page.NAME, *(folder / paged.FOLDER).iterdir()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("run") / "results"
    gallery.write(made, many())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page, "MOST", 20)
        assert report.write(made) == made / page.NAME
    return made


@pytest.fixture(scope="module")
def index(folder) -> Outline:
    return Outline((folder / page.NAME).read_text())


def test_the_index_has_a_tile_of_each_picture_and_last_the_skipped_ones(index):
    numbers = [int(article["data-number"]) for article in index.articles]
    assert numbers == [n for n in range(1, NUM + 1) if n != SKIPPED] + [SKIPPED]
    assert "It is <truncated>; copy it again." in words(index.articles[-1])
    assert words(index.articles[0]).startswith("zebra")


def test_every_tile_leads_to_the_card_of_its_picture(folder, index):
    links = [a["href"] for tag, a in index.tags if tag == "a" and "report/" in a["href"]]
    assert len(links) == NUM - 1
    shown = {}
    for path in (folder / paged.FOLDER).glob("*.html"):
        cards = Outline(path.read_text()).articles
        assert len(cards) <= paged.EACH
        shown |= {f"report/{path.name}#{card['id']}": card["data-name"] for card in cards}
    assert [shown[link] for link in links] == [
        article["data-name"] for article in index.articles[:-1]
    ]


def test_the_thumbnails_are_files_that_show_picture_and_saliency(folder, index):
    for article in index.articles[:-1]:
        (picture,) = article["pictures"]
        assert picture["loading"] == "lazy"
        assert (folder / picture["src"]).is_file()
    place = 4
    shown = np.asarray(Image.open(folder / index.articles[place]["pictures"][0]["src"]))
    image = gallery.image(place)
    expected = [image, panels.overlay(image, gallery.saliency(place))]
    np.testing.assert_array_equal(shown, np.concatenate(expected, axis=1))


def test_a_card_on_a_page_is_that_of_the_one_file(folder, tmp_path):
    gallery.write(tmp_path, many())
    alone = Outline(report.write(tmp_path).read_text()).articles  # 112 are not above 200
    assert not (tmp_path / paged.FOLDER).exists()
    paths = [folder / paged.FOLDER / f"{n}.html" for n in (1, 2, 3)]
    cards = [card for path in paths for card in Outline(path.read_text()).articles]
    assert cards == alone[:-1]
    assert decoded(cards[0]["pictures"][0]["src"]).shape == (gallery.HEIGHT, gallery.WIDTH, 3)


def test_pages_lead_to_each_other_and_back(folder):
    for n, (before, after) in {1: (None, 2), 2: (1, 3), 3: (2, None)}.items():
        text = (folder / paged.FOLDER / f"{n}.html").read_text()
        steps = re.search(r'<nav class="steps".*?</nav>', text)[0]
        expected = [*(f"{m}.html" for m in (before, after) if m)]
        assert re.findall(r'href="([^"]*)"', steps) == ["../report.html", *expected]
    assert "Pictures 101 to 113" in text


def test_the_index_reads_nothing_from_elsewhere_and_holds_no_picture(folder, index):
    text = (folder / page.NAME).read_text()
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
    assert "data:image" not in text and "default-src 'none'" in text
    for _, attributes in index.tags:
        for name in ("src", "href"):
            assert re.match("data:|#|report/", attributes.get(name, "#"))


def test_the_same_run_has_the_same_bytes(few, folder, tmp_path):
    gallery.write(tmp_path, many())
    report.write(tmp_path)
    first = contents(tmp_path)
    report.write(tmp_path)
    assert contents(tmp_path) == first == contents(folder)


def test_what_a_larger_report_has_left_is_removed(few, tmp_path):
    gallery.write(tmp_path, many(60))
    report.write(tmp_path)
    before = contents(tmp_path)
    (tmp_path / paged.FOLDER / "99.html.partial").touch()  # of a start that was killed
    for batch in range(6, 15):  # pictures 25 to 60 count no more
        (tmp_path / "batches" / f"{batch:06d}.json").unlink()
    report.write(tmp_path)
    after = contents(tmp_path)
    gone = {"report/2.html", *(f"report/{n}.png" for n in range(25, 61))}
    assert set(after) == set(before) - gone
    (tmp_path / "batches" / "000005.json").unlink()
    report.write(tmp_path)  # 20 pictures: one file again
    assert not (tmp_path / paged.FOLDER).exists()
    assert len(Outline((tmp_path / page.NAME).read_text()).articles) == 20


def test_a_failure_leaves_the_older_index_whose_pages_are_still_there(few, tmp_path, monkeypatch):
    gallery.write(tmp_path, many(60))
    report.write(tmp_path)
    before = contents(tmp_path)
    overlay, drawn = panels.overlay, []

    def full(*given):
        drawn.append(given)
        if len(drawn) > 100:  # two of a picture: on the second page
            raise OSError("No space left on device")
        return overlay(*given)

    monkeypatch.setattr(panels, "overlay", full)
    with pytest.raises(OSError, match="No space"):
        report.write(tmp_path)
    assert contents(tmp_path) == before
