"""How surely counterfactuals flip, by hand: log-odds are 10 (mean - threshold)."""

import numpy as np
from test_counterfactuals import batch_of, explained, flat_pictures, known, rows_of

from xai_jax.metrics.sureness import surely

# Of 75 and 95 % the log-odds are 1.10 and 2.94: with the threshold at 0.5 a level of 0.62 or 0.38
# has more than the one, 0.8 or 0.2 more than the other.
IMAGES, MADE = flat_pictures([0.3, 0.3, 0.3, 0.7]), flat_pictures([0.55, 0.62, 0.8, 0.2])
BEGUN = flat_pictures([0.4, 0.55, 0.62, 0.75])


def test_each_rate_has_that_of_the_reconstruction_beside_it():
    batch = batch_of(IMAGES)
    metric = surely()
    rows = rows_of(metric, batch, explained(batch, MADE, reconstruction=BEGUN))
    assert [row.name for row in metric.rows] == [column.name for column in metric.columns]
    assert rows["flips_75"].tolist() == [0, 1, 1, 1] and rows["flips_95"].tolist() == [0, 0, 1, 1]
    assert rows["already_flips"].tolist() == [0, 1, 1, 0]
    assert rows["already_flips_75"].tolist() == [0, 0, 1, 0]
    assert rows["already_flips_95"].tolist() == [0, 0, 0, 0]


def test_the_oracle_is_asked_the_same_of_pictures_that_it_decides_alike():
    batch = batch_of(IMAGES)
    metric = surely(known(0.25).classifier)  # finds all of them on the bright side
    rows = rows_of(metric, batch, explained(batch, MADE, stable=BEGUN))
    none = [np.nan] * 3
    np.testing.assert_array_equal(rows["oracle_flips_75"], [*none, 0])  # 0.5 beyond its threshold
    np.testing.assert_array_equal(rows["oracle_already_flips"], [*none, 0])
    assert rows["flips_95"].tolist() == [0, 0, 1, 1]
    assert {row.name for row in metric.rows} == {column.name for column in metric.columns}
    assert len(metric.columns) == len({column.head for column in metric.columns}) == 10
    assert {column.source for column in metric.columns} == {"ours"}  # the paper's is p > 0.5


def test_a_method_that_draws_nothing_before_has_no_such_rate():
    batch = batch_of(IMAGES)
    rows = rows_of(surely(), batch, explained(batch, MADE))
    assert np.isnan(rows["already_flips_75"]).all() and rows["flips_75"].tolist() == [0, 1, 1, 1]
