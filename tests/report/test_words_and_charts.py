"""Numbers as people read them, verdicts in plain words, and where lines of a chart stand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.areas import smallest_sufficient
from xai_jax.report.charts import chart, nice_ticks
from xai_jax.report.picture import Picture
from xai_jax.report.scores import Scores
from xai_jax.report.wording import class_name, percent, probability, raw, signed

NAN = float("nan")


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((1.6, "+1.60"), (-0.254, "−0.25"), (0.0, "0.00"), (-0.001, "0.00")),
        *((NAN, "not a number"), (math.inf, "not a number")),
    ],
)
def test_log_odds_carry_a_sign_unless_they_round_to_nothing(value, shown):
    assert signed(value) == shown


@pytest.mark.parametrize(
    ("log_odds", "shown"),
    [
        *((0.0, "50.0 %"), (math.log(9), "90.0 %"), (-math.log(9), "10.0 %")),
        *((9.0, "> 99.9 %"), (-9.0, "< 0.1 %"), (800.0, "> 99.9 %"), (-800.0, "< 0.1 %")),
        (NAN, "?"),
    ],
)
def test_probabilities_are_never_rounded_to_certainty(log_odds, shown):
    assert plain(probability(log_odds)) == shown


def test_shares_are_exact_and_without_trailing_zeros():
    assert [plain(percent(s)) for s in (0.0025, 0.04, 0.9025, 1.0)] == [
        *("0.25 %", "4 %", "90.25 %", "100 %")
    ]


def test_values_of_maps_keep_three_digits_and_a_true_minus():
    assert [raw(v) for v in (-0.49876, 12345.0, 0.0)] == ["−0.499", "1.23e+04", "0"]


def test_a_class_without_a_name_is_called_by_its_number():
    assert class_name(7, "cat") == "cat" and plain(class_name(7, "")) == "class 7"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (-9.1, 3.6, [-10, -5, 0, 5]),
        (0.12, 0.31, [0.1, 0.15, 0.2, 0.25, 0.3, 0.35]),
        (5.0, 5.0, [2, 4, 6, 8]),
        (0.0, 0.0, [-0.5, 0, 0.5]),
    ],
)
def test_ticks_are_round_numbers_around_the_values(low, high, ticks):
    np.testing.assert_allclose(nice_ticks(low, high), ticks, atol=1e-12)


def test_ticks_are_few_whatever_the_range():
    rng = np.random.default_rng(0)
    for low, width in zip(rng.normal(size=500), 10 ** rng.uniform(-4, 6, 500), strict=True):
        found = nice_ticks(float(low), float(low + width))
        assert 3 <= len(found) <= 6 and found[0] <= low + 1e-9 and found[-1] >= low + width - 1e-9


def test_a_line_runs_from_the_left_to_the_right_and_upwards():
    plot = chart({"rise": np.array([0.0, 5.0, 10.0])})
    assert plot.lines["rise"] == "M0.00 100.00L50.00 50.00L100.00 0.00"
    assert [(tick.label, tick.place) for tick in plot.ticks][:2] == [("0", 100), ("2", 80)]
    assert plot.place(7.5) == 25


def test_a_line_breaks_where_it_is_no_number():
    plot = chart({"gap": np.array([0.0, NAN, 10.0, 5.0])})
    assert plot.lines["gap"] == "M0.00 100.00M66.67 0.00L100.00 50.00"
    assert plot.place(NAN) is None


def test_a_chart_holds_the_values_that_it_must_show():
    plot = chart({"low": np.array([1.0, 2.0])}, also=(0.0, 9.0))
    assert plot.low <= 0 and plot.high >= 9


def test_a_line_without_numbers_has_no_chart():
    assert chart({"none": np.array([NAN, NAN])}) is None


def test_a_single_point_has_a_chart():
    assert chart({"one": np.array([3.0])}).lines["one"].startswith("M0.00")


def test_long_traces_are_drawn_with_few_points_and_both_ends():
    plot = chart({"long": np.linspace(0, 1, 10_000)})
    assert plot.lines["long"].count("L") < 400
    assert plot.lines["long"].startswith("M0.00 100.00")
    assert plot.lines["long"].endswith("L100.00 0.00")


def scored(kept, removed, original) -> Scores:
    """As `metrics.fidelity` measures it."""
    area = smallest_sufficient(jnp.array([kept], float), jnp.array([original]))[0]
    curve = {"kept": np.array(kept), "removed": np.array(removed)}
    return Scores(original=original, curve=curve, sufficient_area=float(area))


def picture(**fields) -> Picture:
    defaults = dict(
        name="a.png",
        image=np.zeros((20, 20, 3), np.uint8),
        saliency=np.arange(400, dtype=np.float32).reshape(20, 20, 1),
        keep=np.ones((20, 20, 1), np.float32),
        target=3,
        predicted=3,
    )
    return Picture(**{**defaults, **fields})


def steps(first: float, then: float, at: int) -> list[float]:
    return [first] * at + [then] * (20 - at)


def test_a_sufficient_part_is_told_with_all_three_probabilities():
    shown = scored(steps(-2, math.log(4), 3), steps(0, -math.log(9), 3), math.log(9))
    assert shown.start_level == 3
    assert plain(shown.verdict()) == (
        "4 % of the pixels are enough: alone they give 80.0 %, the whole picture 90.0 %. "
        "Without them 10.0 % is left."
    )
    assert shown.drop == pytest.approx(2 * math.log(9))


def test_a_doubted_target_is_told_as_such():
    shown = scored(steps(-3, -1, 9), steps(-4, -9, 9), -2.0)
    assert shown.start_level == 9
    assert "doubts this class: 11.9 %" in plain(shown.verdict())


def test_a_picture_that_needs_all_its_pixels_is_told_as_such():
    verdict = scored(steps(-3, 2, 19), steps(1, -2, 10), 2.0).verdict()
    assert plain(verdict).startswith("Only the whole picture keeps the decision (88.1 %)")


def test_where_nothing_suffices_the_best_share_is_shown_and_told():
    kept = steps(-5, -3, 4)
    kept[6] = -1.0
    shown = scored(kept, steps(1, -2, 10), 3.0)
    assert (shown.sufficient_level, shown.start_level) == (None, 6)
    assert plain(shown.verdict()).startswith("None of the 20 shares keeps the decision.")
    assert "12.25 %" in plain(shown.verdict())


def test_a_broken_score_is_told_before_anything_else():
    scores = scored([NAN] * 20, [NAN] * 20, 1.0)
    assert "not a number" in picture(scores=scores).verdict() and scores.start_level == 0


def test_a_picture_whose_parts_were_not_scored_gets_no_verdict_but_warnings():
    assert picture(scores=None).verdict() == picture(scores=None, keep=None).verdict() == ""
    flat = picture(scores=None, keep=None, saliency=np.zeros((20, 20, 1)))
    assert flat.verdict() == "The map is flat: it prefers no pixel to another."
    assert "not a number" in picture(saliency=np.full((20, 20, 1), NAN)).verdict()
    assert "not a number" in picture(keep=np.full((20, 20, 1), NAN)).verdict()


def test_another_prediction_is_noticed_only_where_it_is_known():
    assert picture(predicted=5).predicts_another
    assert not picture(predicted=None).predicts_another
    assert not picture().predicts_another
