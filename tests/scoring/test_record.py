"""The row of a table out of a contestant's numbers, by hand."""

import math

import numpy as np
import pytest

from xai_jax.metrics.specificity import specificity, table
from xai_jax.scoring.evaluation import standard
from xai_jax.scoring.record import Record, Scored, read, settings_of
from xai_jax.scoring.table import means

METRICS = standard((0, 1, 2))
SPECIFIC = METRICS[-1]
PROBABILITIES = [
    [[0.9, 0.8, 0.7, 0.1], [0.5, 0.5, 0.5, 0.5], [0.0, 0.2, 0.3, 0.4]],
    np.full((3, 4), np.nan).tolist(),
    [[0.1, 0.2, 0.3, 0.0], [0.5, 0.5, 0.5, 0.5], [0.8, 0.2, 0.6, 0.6]],
]
IS_IN = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]  # class 1 of three is in no picture


def scored(name: str, **changes) -> Scored:
    return Scored(**({"name": name, "picture": "p", "truth": "t", "explained": "e"} | changes))


def record(**changes) -> Record:
    values = {row.name: [1.0, 2.0, 6.0] for metric in METRICS for row in metric.rows}
    values |= {"auc": [math.nan, 0.5, 0.75], "probabilities": PROBABILITIES, "is_in": IS_IN}
    values |= changes.pop("values", {})
    blocks = [
        {
            "settings": settings_of(metric),
            "rows": {row.name: np.array(values[row.name], np.float64) for row in metric.rows},
            "failed": "",
        }
        for metric in METRICS
    ]
    skipped = scored("odd", picture="", explained="", reason="It cannot be read.")
    fields = {
        "settings": {"contestant": "a"},
        "device": "1 x cpu",
        "milliseconds": 2.0,
        "pictures": (scored("7"), skipped, scored("8"), scored("9"), scored("v", counts=False)),
        "metrics": blocks,
    }
    return Record(**(fields | changes))


def row(found: Record, only=None) -> dict[str, float]:
    return means(found, METRICS, only)


def test_a_column_is_the_mean_of_what_is_defined():
    found = row(record())
    assert (found["pictures"], found["saliency"], found["auc"]) == (3, 3.0, 0.625)
    some = row(record(), {"7", "8"})
    assert (some["pictures"], some["saliency"], some["auc"]) == (2, 1.5, 0.5)
    assert math.isnan(row(record(), {"7"})["auc"])


def test_specificity_leaves_out_the_compared_classes_that_no_picture_shows():
    found = row(record())
    assert found["diagonal"] == pytest.approx((0.8 + 0.6) / 2)
    assert found["off_diagonal"] == pytest.approx((0.1 + 0.2) / 2)  # and not those of class 1's
    assert math.isnan(row(record(), {"7"})["diagonal"])  # one class alone is compared with nothing
    nothing = np.full((3, 3, 4), np.nan)
    empty = record(values={"probabilities": nothing})
    assert math.isnan(row(empty)["off_diagonal"]) and table(empty.rows(SPECIFIC)) is None
    assert settings_of(SPECIFIC) != settings_of(specificity((0, 1)))


def test_rows_that_are_drawn_again_and_again_are_reduced_alike():
    """What a bootstrap does: a picture may count twice."""
    rows = record().rows(SPECIFIC)
    again = {name: values[[0, 2, 2]] for name, values in rows.items()}
    assert SPECIFIC.reduce(again)["diagonal"] == pytest.approx((0.8 + 0.6) / 2)


def test_a_record_is_read_as_it_was_written(tmp_path):
    record().write(tmp_path, "a")
    found = read(tmp_path, "a", {"contestant": "a"})
    np.testing.assert_equal(found.__dict__, record().__dict__)
    assert found.names == ("7", "8", "9") and found.skipped == {"odd": "It cannot be read."}
    assert read(tmp_path, "b", {}) == Record(settings={})
    with pytest.raises(ValueError, match='contestant is "a" there and "b" here; remove that'):
        read(tmp_path, "a", {"contestant": "b"})


def test_what_cannot_be_recognised_is_like_nothing():
    assert scored("7").like(scored("7")) and not scored("7").like(None)
    assert not scored("7").like(scored("7", truth="other"))
    assert not scored("7", picture="").like(scored("7", picture=""))
