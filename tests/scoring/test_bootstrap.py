"""Intervals, paired differences and agreement, against SciPy, closed forms and textbooks."""

import csv
import itertools
import math

import numpy as np
import pytest
import scipy.stats
from judged import Noise, Pictures
from judged import evaluation as small

from xai_jax.core import metric as core_metric
from xai_jax.core.metric import Column, Metric
from xai_jax.metrics.parts import parts
from xai_jax.scoring import bootstrap
from xai_jax.scoring.agreement import agreement, kendall
from xai_jax.scoring.evaluation import Contestant
from xai_jax.scoring.score import score
from xai_jax.scoring.table import Table

COLUMN = Column("value", "value", "higher", -np.inf, np.inf, "", "ours")


def metric_of(reduce=core_metric.mean) -> Metric:
    return Metric(measure=lambda *_: {}, rows=(), columns=(COLUMN,), reduce=reduce)


def replicates(values, num=10_000, reduce=core_metric.mean) -> np.ndarray:
    rows = {"value": np.array(values, float)}
    return bootstrap.resampled(rows, metric_of(reduce), num)["value"]


def test_intervals_are_those_of_scipy():
    values = np.random.default_rng(1).gamma(2.0, size=60)
    for reduce, statistic in (
        (core_metric.mean, np.mean),
        (lambda rows: {"value": float(np.median(rows["value"]))}, np.median),
    ):
        low, high = bootstrap.interval(replicates(values, reduce=reduce))
        wanted = scipy.stats.bootstrap(
            (values,), statistic, n_resamples=10_000, method="percentile", rng=0
        ).confidence_interval
        # A quantile of 10,000 draws varies by 0.03 of their own spread.
        tolerance = 0.15 * np.std(replicates(values, reduce=reduce))
        np.testing.assert_allclose((low, high), wanted, atol=tolerance)


def test_a_distance_of_pairs_is_not_biased_by_pictures_that_are_drawn_twice():
    """The unbiased estimate of a squared mean: over pairs of different pictures."""
    values = np.random.default_rng(0).normal(0.2, 1.0, 12)

    def squared_mean(rows):
        x, n = rows["value"], len(rows["value"])
        return {"value": float((x.sum() ** 2 - (x**2).sum()) / (n * (n - 1)))}

    value = squared_mean({"value": values})["value"]
    rows = {"value": values}
    plain = bootstrap.resampled(rows, metric_of(squared_mean), 4000)["value"]
    metric = metric_of(squared_mean)._replace(of_pairs=True)
    moved = bootstrap.resampled(rows, metric, 4000)["value"]
    assert abs(moved.mean() - value) < 1e-9 < abs(plain.mean() - value) - 0.03
    np.testing.assert_allclose(moved - moved.mean(), plain - plain.mean(), atol=1e-12)
    low, high = bootstrap.interval(moved)
    assert low < value < high


def test_two_pictures_have_three_means():
    found = replicates([0.0, 1.0])
    shares = [(found == mean).mean() for mean in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.02)
    assert bootstrap.interval(found) == (0.0, 1.0)


def test_means_in_one_pass_are_those_of_reduce_called_again():
    values = np.random.default_rng(0).normal(size=13)
    values[[2, 7]] = np.nan
    again = replicates(values, 500, lambda rows: core_metric.mean(rows))
    np.testing.assert_allclose(replicates(values, 500), again, rtol=1e-12)


def test_many_pictures_are_drawn_a_part_at_a_time(monkeypatch):
    values = np.arange(20.0)
    whole = replicates(values, 50)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 100)
    np.testing.assert_array_equal(replicates(values, 50), whole)


def test_what_is_nowhere_defined_has_no_interval_and_no_p():
    found = replicates([np.nan, np.nan], 10)
    assert np.isnan(bootstrap.interval(found)).all()
    assert math.isnan(bootstrap.difference(math.nan, found, found).p)


def test_a_difference_is_paired_by_picture():
    rng = np.random.default_rng(0)
    shared = rng.normal(scale=10.0, size=200)  # how hard a picture is, for both alike
    one, other = shared + 0.2 + 0.5 * rng.normal(size=200), shared
    made = [replicates(values) for values in (one, other)]
    found = bootstrap.difference(float((one - other).mean()), *made)
    wide = np.ptp(bootstrap.interval(made[0]))
    half = 1.96 * np.std(one - other) / np.sqrt(200)  # of a mean of 200, by the normal law
    np.testing.assert_allclose(found.high - found.low, 2 * half, rtol=0.05)
    assert found.high - found.low < 0.1 * wide and found.low > 0
    assert found.p == 2 / 10_001
    assert bootstrap.difference(0.0, made[0], made[0]) == (0.0, 0.0, 0.0, 1.0)


def test_holms_correction_is_that_of_the_textbook():
    found = bootstrap.holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005]))
    np.testing.assert_allclose(found, [0.03, 0.06, np.nan, 0.06, 0.02])
    assert bootstrap.holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert bootstrap.holm(np.zeros(0)).tolist() == []


def test_tau_is_that_of_scipy_with_ties_and_without_what_is_missing():
    rng = np.random.default_rng(3)
    for _ in range(5):
        one, other = rng.integers(0, 5, (2, 9)).astype(float)
        wanted = scipy.stats.kendalltau(one, other, variant="b").statistic
        np.testing.assert_allclose(kendall(one, other), wanted)
    one[0] = np.nan
    wanted = scipy.stats.kendalltau(one[1:], other[1:], variant="b").statistic
    np.testing.assert_allclose(kendall(one, other), wanted)
    assert math.isnan(kendall(np.ones(3), np.arange(3.0)))
    assert math.isnan(kendall(np.ones(1), np.ones(1)))


def test_columns_agree_whichever_way_is_better():
    columns = (COLUMN, COLUMN._replace(name="cost", better="lower"))
    table = Table(
        rows=("a", "b", "c", "0"),
        columns=columns,
        values={"value": np.array([1.0, 2, 3, 9]), "cost": np.array([7.0, 6, 5, 9])},
    )
    found = agreement(table, ("value", "cost"), ("a", "b", "c"))
    assert found.rows == ("value", "cost")
    np.testing.assert_allclose([found["value"], found["cost"]], np.ones((2, 2)))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("compared")
    contestants = {
        "loud": Contestant(method=Noise()),
        "quiet": Contestant(method=Noise(scale=0.5)),
        "few": Contestant(method=Noise(scale=0.25), num_pictures=9),
    }
    evaluation = small(contestants=contestants, classes=(), data=Pictures(), resamples=200)
    score(evaluation, workdir)
    return workdir


def lines(path) -> list[dict[str, str]]:
    with open(path) as file:
        return list(csv.DictReader(file))


def test_a_comparison_writes_intervals_pairs_and_agreement(compared):
    scores = {row["contestant"]: row for row in lines(compared / "scores.csv")}
    found = lines(compared / "intervals.csv")
    assert {row["contestant"] for row in found} == set(scores)
    for row in found:
        assert row["value"] == scores[row["contestant"]][row["column"]]
        assert float(row["low"]) - 1e-9 <= float(row["value"]) <= float(row["high"]) + 1e-9
    covered = [row for row in lines(compared / "pairs.csv") if row["column"] == "object_coverage"]
    assert [(row["one"], row["other"]) for row in covered] == [
        ("loud", "quiet"), ("loud", "few"), ("quiet", "few"),
    ]  # fmt: skip
    assert all(float(row["low"]) > 0 for row in covered)  # the masks are halves of each other
    np.testing.assert_allclose(
        2 * float(covered[0]["difference"]), 4 / 3 * float(covered[1]["difference"]), rtol=0.01
    )
    assert all(float(row["holm"]) == pytest.approx(6 / 201) for row in covered)
    (same,) = (r for r in lines(compared / "agreement.csv") if r["contestant"] == "kept")
    assert float(same["kept"]) == 1.0


def test_the_page_shows_the_intervals_and_says_what_they_are(compared):
    page = (compared / "scores.md").read_text()
    assert "95% intervals: percentiles of 200 resamples" in page
    row = next(line for line in page.splitlines() if line.startswith("| 1 |"))
    assert "1.000 [1.000, 1.000]" in row


def test_without_resamples_there_are_none(tmp_path):
    score(small(classes=()), tmp_path)
    assert not list(tmp_path.glob("*pairs.csv")) and "[" not in (tmp_path / "scores.md").read_text()
    assert parts().reduce is core_metric.mean  # what is fast is what is common


def test_groups_are_drawn_whole_and_three_of_them_have_ten_means():
    values, groups = np.array([0.0, 1.0, 5.0, 9.0, 9.0, np.nan]), ("a", "a", "b", "c", "c", "c")
    rows = {"value": values}
    found, again = (
        bootstrap.resampled(rows, metric_of(reduce), 4000, groups=groups)["value"]
        for reduce in (core_metric.mean, lambda rows: core_metric.mean(rows))
    )
    np.testing.assert_allclose(found, again, rtol=1e-12)
    own = {"a": [0.0, 1.0], "b": [5.0], "c": [9.0, 9.0]}
    means = {
        round(float(np.mean([v for name in drawn for v in own[name]])), 9)
        for drawn in itertools.product(own, repeat=3)
    }
    assert set(np.round(found, 9)) == means
    assert (found == 5.0).mean() == pytest.approx(1 / 27, abs=0.01)  # three times b


def test_a_draw_of_groups_of_one_is_a_draw_of_pictures():
    values = np.random.default_rng(0).normal(size=9)
    rows, names = {"value": values}, tuple("abcdefghi")
    alone = bootstrap.resampled(rows, metric_of(), 50)["value"]
    np.testing.assert_allclose(
        bootstrap.resampled(rows, metric_of(), 50, groups=names)["value"], alone, rtol=1e-12
    )
