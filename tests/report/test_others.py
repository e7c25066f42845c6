"""Outputs that the page knows by their declaration only, and runs that lack what others have."""

import gallery
import numpy as np
import pytest
from test_page import Outline, decoded, words

from xai_jax import report
from xai_jax.core import outputs
from xai_jax.core.outputs import Output
from xai_jax.metrics import fidelity
from xai_jax.report import others, panels, picture, scores
from xai_jax.report.others import Other
from xai_jax.runs import record


def page(folder, **changes) -> tuple[str, Outline]:
    gallery.write(folder, **changes)
    text = report.write(folder).read_text(encoding="utf-8")
    return text, Outline(text)


def plain(article: dict) -> str:
    return words(article).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def with_others(tmp_path_factory) -> tuple[str, Outline]:
    return page(tmp_path_factory.mktemp("run"), more=gallery.others())


@pytest.fixture(scope="module")
def unscored(tmp_path_factory) -> tuple[str, Outline]:
    return page(tmp_path_factory.mktemp("run"), without=("keep", *gallery.SCORES))


def test_the_names_of_the_standard_outputs_are_those_of_their_declarations():
    assert record.IMAGES.name == picture.IMAGES
    assert outputs.PREDICTED.name == picture.PREDICTED
    assert outputs.CLASS_LOG_ODDS.name == picture.CLASS_LOG_ODDS
    assert scores.CURVES | scores.OF_KEEP == {row.name for row in fidelity.ROWS}


def test_what_has_a_view_of_its_own_is_not_shown_twice_and_all_else_is_shown():
    standard = dict.fromkeys([*gallery.SCORES, "images", "saliency", "keep", "predicted"])
    assert picture.viewed(standard | {"novelty": None}) == set(standard)
    # Half of the scores have no view: they are numbers like others.
    assert picture.viewed({"saliency": None, "log_odds_kept": None}) == {"saliency"}


def test_every_counterfactual_is_a_figure_with_its_meaning(with_others):
    shown = [p for p in with_others[1].articles[0]["pictures"] if p["alt"] == MEANING]
    for n, figure in enumerate(shown):
        np.testing.assert_array_equal(decoded(figure["src"]), gallery.image(50 + n))
        assert (figure["width"], figure["height"]) == ("30", "24")
    assert len(shown) == 4  # one by itself and three samples
    assert "counterfactuals 2 of 3 " + MEANING in plain(with_others[1].articles[0])


MEANING = outputs.COUNTERFACTUAL.meaning


def test_every_channel_of_a_map_lies_over_the_picture_with_its_own_range(with_others):
    shown = [p for p in with_others[1].articles[1]["pictures"] if "part maps" in p["alt"]]
    maps = gallery.others()[gallery.PARTS]
    assert len(shown) == 3
    for n, figure in enumerate(shown):
        wanted = panels.overlay(gallery.image(1), maps[..., n])
        np.testing.assert_array_equal(decoded(figure["src"]), wanted)
        for end in panels.display_range(maps[..., n]):
            assert f"{end:.3g}".replace("-", "−") in plain(with_others[1].articles[1])


def test_a_trace_of_several_areas_is_one_chart_of_several_lines(with_others):
    article = plain(with_others[1].articles[0])
    assert "reward, logits 1, …, 6" in article  # n / 6 of the last step
    assert "6 lines, one for each area, the first faintest" in article
    assert with_others[0].count('class="line n5"') == 5  # of the pictures that are explained


def test_single_numbers_are_a_table_with_their_unit_and_their_meaning(with_others):
    article = plain(with_others[1].articles[0])
    assert "name value unit num rounds 12 rounds precision 0.375 in [0, 1]" in article
    assert 'title="A &amp; B &lt;of&gt; it."' in with_others[0]


def test_numbers_over_another_axis_are_a_curve_over_it(with_others):
    said = plain(with_others[1].articles[0])
    assert "spread, pixels 4 " in said and " 1 radius 5 " in said


def test_the_page_ends_with_what_every_stored_array_means(with_others):
    told = with_others[0].split('<dl class="outputs">')[1].split("</dl>")[0]
    for output in [record.IMAGES, outputs.SALIENCY, outputs.KEEP, gallery.SPREAD, *fidelity.ROWS]:
        assert f"<dt>{output.name}</dt><dd>{output.meaning}" in told
    assert "A &amp; B &lt;of&gt; it." in told and "A & B <of>" not in with_others[0]


def test_more_of_one_output_than_can_be_seen_is_cut_and_long_values_are_shortened():
    many = np.zeros((30, 4, 5, 3), np.float32)
    declared = gallery.COUNTERFACTUALS
    shown = others.figures([Other(output=declared, values=many)], {})
    assert [figure["which"] for figure in shown][-1] == "20 of 30" and len(shown) == 20
    lines = Other(output=gallery.OF_EACH_AREA, values=np.ones((64, 5)))
    (trace,) = others.traces([lines])
    assert len(trace["chart"].lines) == 20 and trace["several"].startswith("64 lines")


def test_a_number_that_is_not_defined_and_a_trace_of_no_steps_are_said_to_be_none():
    undefined = Other(output=gallery.PRECISION, values=np.array(np.nan))
    assert others.numbers([undefined])[0]["value"] == "not defined"
    nothing = outputs.trace("objective", "nats", "Nothing.")
    (trace,) = others.traces([Other(output=nothing, values=np.zeros(0))])
    assert trace["chart"] is None and trace["last"] == ""


def test_maps_of_classes_carry_their_names():
    declared = Output(
        name="evidence", kind="map", axes=("row", "column", "class"), unit="nats", meaning="Of it."
    )
    maps = Other(output=declared, values=np.zeros((4, 4, 2)))
    image = np.zeros((4, 4, 3), np.uint8)
    assert [o["which"] for o in others.overlays(image, [maps], ("cat", "dog"))] == ["cat", "dog"]
    assert [o["extremes"] for o in others.overlays(image, [maps], ())] == [[], []]


def test_a_map_that_its_unit_says_is_signed_has_the_colours_of_both_signs():
    image, values = np.full((2, 2, 3), 90, np.uint8), np.array([[[0.0], [0.4]], [[-0.2], [0.1]]])
    difference = Other(output=outputs.DIFFERENCE, values=values)
    unsigned = Other(output=gallery.PARTS, values=values)
    signed, plain = others.overlays(image, [difference, unsigned], ())
    assert (signed["is_signed"], plain["is_signed"]) == (True, False)
    assert signed["extremes"] == ["−0.4", "0.4"] and plain["extremes"] == ["−0.2", "0.4"]
    drawn = panels.signed_overlay(image, values[..., 0])
    np.testing.assert_array_equal(decoded(signed["image"]), drawn)


def test_a_method_that_cuts_nothing_out_has_no_mask_of_its_own(unscored, tmp_path):
    assert 'class="soft"' not in unscored[0] and "own mask" not in unscored[0]
    _, outline = page(tmp_path, without=("keep", "log_odds_kept", "log_odds_removed", "kept_area"))
    first = outline.articles[0]
    assert len(first["pictures"]) == 4 and len(first["sliders"]) == 1  # its map was scored


def test_without_scores_there_are_the_picture_its_saliency_and_no_verdict(unscored):
    for known, article in zip(gallery.SHOWN, unscored[1].articles, strict=True):
        if known.level is None:
            continue
        alts = [p["alt"] for p in article["pictures"]]
        assert alts == [
            "The picture as the classifier saw it",
            "Saliency in colour over the grey picture",
        ]
        assert article["sliders"] == [] and "json" not in article
        assert "data-drop" not in article and "data-area" not in article
        assert "insufficient" not in article["data-show"]
        said = plain(article)
        for word in ("are enough", "keeps the decision", "Kept part", "Area kept"):
            assert word not in said
        # Of class 1 of three: log-odds 1 - 3 = -2, as the classifier itself says.
        assert "11.9 %" in said and "log-odds −2.00" in said
        assert "objective, nats 1" in said


def test_without_scores_nothing_can_be_sorted_or_found_by_them(unscored, with_others):
    assert 'value="drop"' in with_others[0] and 'value="insufficient"' in with_others[0]
    for word in ('value="drop"', 'value="area"', 'value="insufficient"', "sufficient area"):
        assert word not in unscored[0]
    assert 'value="other"' in unscored[0]


def test_a_mask_that_was_not_scored_is_shown_without_numbers(tmp_path):
    text, outline = page(tmp_path, without=gallery.SCORES)
    first = outline.articles[0]
    assert [p["alt"] for p in first["pictures"]][2:] == [
        "The part that the method's own mask keeps",
        "What is left without the method's own mask",
    ]
    assert '<details class="soft" open>' in text and "cut from the saliency map" not in text
    assert plain(first).count("log-odds") == 1  # of the whole picture


def test_a_run_that_did_not_ask_the_classifier_says_nothing_of_its_decisions(tmp_path):
    without = (*gallery.SCORES, "keep", "predicted", "class_log_odds")
    text, outline = page(tmp_path, class_names=("a", "b"), without=without)
    assert 'value="other"' not in text
    said = plain(outline.articles[0])
    assert "log-odds" not in said and "probability" not in said.split("The mask of each")[0]
    assert "in their order" in said and said.index("a keeps") < said.index("b (explained) keeps")


def test_a_method_that_logs_nothing_and_was_not_scored_has_no_empty_part(tmp_path):
    text, _ = page(tmp_path, without=(*gallery.SCORES, "objective", "mask_area"))
    assert 'class="traces"' not in text


def test_a_counterfactual_has_a_slider_over_the_picture_and_several_have_none(
    with_others, unscored
):
    text, outline = with_others
    assert text.count('<figure class="turned" hidden>') == 5  # of the pictures that are explained
    assert text.count('data-name="counterfactual"') == 5
    assert "from the picture, left, to the counterfactual, right" in text.lower()
    assert 'class="turned"' not in unscored[0]
    several = Other(output=gallery.COUNTERFACTUALS, values=np.zeros((3, 4, 4, 3)))
    assert not others.is_turned([several])
