"""The row of a table out of a contestant's numbers, by hand."""

import math

import numpy as np
import pytest
from xai_jax.evaluate.columns import NAMES
from xai_jax.evaluate.record import Record, read


def record(**changes) -> Record:
    values = {name: [1.0, 2.0, 6.0] for name in NAMES} | {"auc": [math.nan, 0.5, 0.75]}
    fields = {
        "settings": {"contestant": "a"},
        "device": "1 x cpu",
        "milliseconds": 2.0,
        "pictures": [7, 8, 9],
        "scores": values,
        "specific_pictures": [7, 9],
        "is_in": [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],  # class 1 of three is in neither
        "probabilities": [
            [[0.9, 0.8, 0.7, 0.1], [0.5, 0.5, 0.5, 0.5], [0.0, 0.2, 0.3, 0.4]],
            [[0.1, 0.2, 0.3, 0.0], [0.5, 0.5, 0.5, 0.5], [0.8, 0.2, 0.6, 0.6]],
        ],
    }
    return Record(**(fields | changes))


def test_a_column_is_the_mean_of_what_is_defined():
    row = record().means()
    assert (row["pictures"], row["saliency"], row["auc"]) == (3, 3.0, 0.625)
    some = record().means({7, 8})
    assert (some["pictures"], some["saliency"], some["auc"]) == (2, 1.5, 0.5)
    assert math.isnan(record().means({7})["auc"])


def test_specificity_leaves_out_the_compared_classes_that_no_picture_shows():
    row = record().means()
    assert row["diagonal"] == pytest.approx((0.8 + 0.6) / 2)
    assert row["off_diagonal"] == pytest.approx((0.1 + 0.2) / 2)  # and not those of class 1's mask
    assert math.isnan(record().means({7})["diagonal"])  # one class alone is compared with nothing
    empty = record(specific_pictures=[], is_in=[], probabilities=[])
    assert math.isnan(empty.means()["off_diagonal"]) and empty.matrix() is None


def test_a_record_is_read_as_it_was_written(tmp_path):
    record().write(tmp_path, "a")
    found = read(tmp_path, "a", {"contestant": "a"})
    np.testing.assert_equal(found, record())
    assert read(tmp_path, "b", {}) is None
    with pytest.raises(ValueError, match='contestant is "a" there and "b" here; remove that'):
        read(tmp_path, "a", {"contestant": "b"})
