"""The masks of all classes on the page of a run: which are shown, in which order, and how."""

import gallery
import numpy as np
import pytest
from test_page import Outline, decoded, words

from xai_jax import report
from xai_jax.report import cards, panels
from xai_jax.report.classes import MOST, likeliest, shown
from xai_jax.report.wording import probability

NAMES = ("cat", "dog", "<b>fox</b>", "crane", "newt")
WHOLE = np.ones((2, 3, 40), np.float16)


def orders(**changes) -> list[str]:
    known = dict(class_keep=WHOLE, log_odds=np.arange(40.0), class_names=(), target=39)
    return [mask.words.split("\N{NO-BREAK SPACE}")[1] for mask in shown(**{**known, **changes})]


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("run")
    gallery.write(folder, class_names=NAMES)
    return report.write(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(text) -> Outline:
    return Outline(text)


def test_the_most_probable_classes_come_first_and_the_explained_one_is_always_there():
    assert orders() == [str(k) for k in range(39, 39 - MOST, -1)]
    assert orders(target=30) == [str(k) for k in range(39, 39 - MOST, -1)]
    assert orders(target=3) == [*(str(k) for k in range(39, 40 - MOST, -1)), "3"]
    assert [mask.is_target for mask in shown(WHOLE, np.arange(40.0), (), 3)][-2:] == [False, True]


def test_a_class_without_a_number_comes_last_and_equals_in_their_order():
    assert orders(class_keep=WHOLE[..., :3], log_odds=np.array([np.nan, 1, 1]), target=2) == [
        *("1", "2", "0")
    ]


def test_each_class_is_shown_with_its_name_its_probability_and_its_share(outline):
    shown_words = words(outline.articles[0]).replace("\N{NO-BREAK SPACE}", " ")
    assert "most probable first" in shown_words and "of 5 classes" not in shown_words
    places = [shown_words.index(f"{name} ") for name in ("newt", "crane", "<b>fox</b>", "dog")]
    assert places == sorted(places)
    # Log-odds k - 3, and k + 1 of 24 rows.
    assert "newt probability 73.1 % keeps 20.8 %" in shown_words  # 1 / (1 + exp(-1))
    assert "dog (explained) probability 11.9 % keeps 8.3 %" in shown_words  # 1 / (1 + exp(2))
    assert shown_words.count("(explained)") == 1
    assert probability(1.0) in words(outline.articles[0])


def test_each_panel_is_what_the_mask_keeps_and_says_so_in_words(outline):
    panels_shown = outline.articles[0]["pictures"][4:9]  # after the four panels of the picture
    assert panels_shown[2]["alt"] == "What the mask of <b>fox</b> keeps"
    for k, panel in zip((4, 3, 2, 1, 0), panels_shown, strict=True):
        keep = np.zeros((gallery.HEIGHT, gallery.WIDTH))
        keep[: k + 1] = 1
        wanted = panels.kept(gallery.image(0), keep)
        np.testing.assert_array_equal(decoded(panel["src"]), wanted)
        assert (panel["width"], panel["height"]) == ("30", "24")


def test_the_explained_class_is_marked_and_a_name_with_markup_is_not_obeyed(text, outline):
    assert [a for tag, a in outline.tags if tag == "li" and a] == [{"class": "target"}] * 5
    assert "<b>fox" not in text


def test_large_pictures_are_shown_as_thumbnails_of_their_proportions(tmp_path):
    image = np.zeros((400, 800, 3), np.uint8)
    mask = shown(np.ones((400, 800, 1)), np.zeros(1), (), 0)[0]
    panel = cards._class_panel(image, mask)
    assert panel["size"] == (160, 80)
    assert decoded(panel["image"]).shape == (80, 160, 3)


@pytest.mark.parametrize(("there", "seen", "note"), [(20, 20, ""), (21, 20, "; 20 of 21 classes")])
def test_all_of_vocs_twenty_classes_are_shown_and_of_more_the_page_says_so(
    tmp_path, there, seen, note
):
    gallery.write(tmp_path, class_names=tuple(f"class {i}" for i in range(there)))
    article = Outline(report.write(tmp_path).read_text()).articles[0]
    assert len(article["pictures"]) == 6 + seen
    assert note in words(article) and (note or f"of {there} classes" not in words(article))


def test_a_run_without_class_masks_has_no_such_part(tmp_path):
    gallery.write(tmp_path)
    assert 'class="classes"' not in report.write(tmp_path).read_text()


def test_the_five_likeliest_classes_are_named_the_first_first():
    found = likeliest(np.array([0.0, 3.0, np.nan, 1.0, -2.0, 2.0, 1.0]), tuple("abcdefg"), 3)
    assert "".join(one.words for one in found) == "bfdga"  # d and g are equal: their own order
    assert [one.is_target for one in found] == [False, False, True, False, False]
    assert likeliest(np.array([1.5]), (), 0) == ()  # one logit has no classes to rank
    assert [one.words for one in likeliest(np.array([0, 1]), (), None)] == [
        "class\xa01",
        "class\xa00",
    ]


def test_a_card_names_the_likeliest_classes_unless_it_shows_their_masks(tmp_path):
    gallery.write(tmp_path)
    article = Outline(report.write(tmp_path).read_text()).articles[0]
    said = words(article).replace("\xa0", " ")
    # log-odds -1, -2 and -3: 1 / (1 + exp(1)) and so on
    assert "class 2 26.9 % class 1 (explained) 11.9 % class 0 4.7 %" in said
    gallery.write(tmp_path / "masks", class_names=("a", "b", "c"))
    text = report.write(tmp_path / "masks").read_text()
    assert "Likeliest classes" not in text and "Kept for each class" in text
