"""What the tables show is declared: one name, one range, one source a column."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.types import Batch, Explanation
from xai_jax.metrics.specificity import classes_of, specificity
from xai_jax.metrics.truth import coverage, hits, overlap
from xai_jax.scoring.evaluation import standard

METRICS = standard((0, 1))


def test_every_column_says_what_it_is():
    columns = [column for metric in METRICS for column in metric.columns]
    assert len({column.name for column in columns}) == len(columns) == 12
    for column in columns:
        assert column.low < column.high and column.head and column.source
        assert column.better in {"higher", "lower"}
    assert classes_of(METRICS) == (0, 1) and classes_of(METRICS[:-1]) == ()


def test_columns_that_are_means_are_called_as_their_rows():
    for metric in METRICS[:-1]:
        assert [row.name for row in metric.rows] == [column.name for column in metric.columns]
        assert all(row.axes == () and row.meaning for row in metric.rows)


def test_scores_against_the_truth_by_hand():
    # Four pixels in a row: mask 0.8, 0.6, 0, 0.2; class 0 is on the first, class 1 on the third.
    keep = jnp.array([0.8, 0.6, 0.0, 0.2]).reshape(1, 1, 4, 1)
    masks = jnp.zeros((1, 1, 4, 2)).at[0, 0, 0, 0].set(1.0).at[0, 0, 2, 1].set(1.0)
    batch = Batch(
        images=jnp.zeros((1, 1, 4, 1)),
        target=jnp.zeros(1, jnp.int32),
        image_id=jnp.zeros(1, jnp.uint32),
        weight=jnp.ones(1),
        labels=jnp.ones((1, 2)),
        masks=masks,
    )
    explanation = Explanation(target=batch.target, saliency=keep, keep=keep)
    found = {}
    for metric in (overlap(), coverage(), hits()):
        found |= metric.measure(metric.params, None, batch, explanation, None)
    wanted = {
        "mean_f1": (0.5 + 0.5 + 2 / 3) / 3,
        "soft_iou": 0.8 / (1 + 0.6 + 1 + 0.2),
        "auc": (2 + 0) / 4,
        "background_coverage": 0.8 / 2,
        "object_coverage": 0.8 / 2,
        "dice": 0.5,
        "pointing": 1.0,
    }
    assert {name: pytest.approx(float(v[0]), rel=1e-6) for name, v in found.items()} == wanted


def test_a_set_without_a_picture_that_was_looked_at_has_no_specificity():
    rows = {"probabilities": np.full((2, 2, 3), np.nan), "is_in": np.ones((2, 2))}
    assert all(math.isnan(value) for value in specificity((0, 1)).reduce(rows).values())
