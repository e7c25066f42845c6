"""FID and sFID against SciPy's matrix root, over features that are named."""

import jax
import numpy as np
import pytest
from test_counterfactuals import batch_of, explained, known
from test_distributions import by_scipy

from xai_jax.metrics.fid import LEAST, fid


def first_row(judge, images):
    del judge
    return images[:, 0].reshape(len(images), -1)


def rows(num):
    rng = np.random.default_rng(0)
    real = rng.normal(size=(num, 3))
    return {"few_4x4_real": real, "few_4x4_made": 0.5 * real + 0.3 * rng.normal(size=real.shape)}


def test_both_are_those_of_scipy_and_say_of_what():
    metric = fid("few", first_row, known().classifier, (4, 4))
    seen = rows(LEAST)
    real, made = seen.values()
    found = metric.reduce(seen)
    assert list(found) == [column.name for column in metric.columns]
    assert metric.columns[0].head == "FID (few, 4 x 4 bilinear)"
    assert found["fid_few_4x4_pictures"] == LEAST
    assert found["fid_few_4x4"] == pytest.approx(by_scipy(real, made), rel=1e-6)
    order = np.random.default_rng(0).permutation(LEAST)
    halves = order[: LEAST // 2], order[LEAST // 2 :]
    across = [by_scipy(real[a], made[b]) for a, b in (halves, halves[::-1])]
    assert found["sfid_few_4x4"] == pytest.approx(np.mean(across), rel=1e-6)


def test_few_pictures_have_neither():
    metric = fid("few", first_row, known().classifier, (4, 4))
    assert metric.least == LEAST  # of fewer none is measured; some may turn out to be unreadable
    found = metric.reduce(rows(LEAST - 1))
    assert np.isnan(found["fid_few_4x4"]) and np.isnan(found["sfid_few_4x4"])
    assert found["fid_few_4x4_pictures"] == LEAST - 1


def test_pictures_are_resized_by_the_rule_that_the_column_names():
    images = np.zeros((1, 1, 2, 3))
    images[:, :, 1] = 1.0
    batch = batch_of(images)
    for size, wanted in (((1, 4), [0, 0.25, 0.75, 1]), (None, [0, 1])):
        metric = fid("few", first_row, known().classifier, size)
        given = metric.params, known(), batch, explained(batch, images), jax.random.key(0)
        found = metric.measure(*given)
        assert set(found) == {row.name for row in metric.rows}
        for values in found.values():
            np.testing.assert_allclose(values[0, ::3], wanted, rtol=1e-6)
    assert metric.columns[0].head == "FID (few, own size)"
