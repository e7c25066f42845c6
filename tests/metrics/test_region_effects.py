"""What a region does to a classifier: of a linear one, worked by hand; ranks against SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics.ranks import rank_correlation
from xai_jax.metrics.region_effects import effects, of_colour, region_effects, up_and_down

LABELS = jnp.asarray([[[0, 0, 1, 1], [2, 2, 2, 3]], [[0, 1, 1, 1], [2, 2, 0, 0]]])
NAMES = ("a", "b", "c", "d")
WEIGHTS = jnp.asarray([3.0, 0.5, -1.0, 2.0])  # of the red of each of the regions, by its place


def frozen(labels=LABELS):
    """Of each picture the sum of its red pixels by weights that follow the first label map."""

    def logits(params, normalised):
        return (normalised[..., 0] * params).sum(axis=(1, 2))[:, None]

    made = Classifier.from_callable(logits, WEIGHTS[labels], head=Head.SIGMOID)
    return Frozen(classifier=made, infill=Constant(value=0.5).build(made))


def batch():
    return Batch(
        images=jnp.full((2, 2, 4, 3), 0.5),
        target=jnp.zeros(2, int),
        image_id=jnp.arange(2, dtype=jnp.uint32),
        weight=jnp.ones(2),
        regions=LABELS,
    )


def test_the_effect_of_a_linear_region_is_its_weight_times_its_size_and_the_mean_offset():
    offsets = of_colour(batch(), jax.random.key(0), spread=0.05, num=4000)
    found = effects(frozen(), batch(), offsets, (1.0,) * 5)
    sizes = np.stack([(LABELS == n).sum((1, 2)) for n in range(5)], 1)
    mean = 0.05 * np.sqrt(2 / np.pi)  # of the absolute value of a normal number
    exact = np.abs(np.append(WEIGHTS, 0.0)) * sizes * mean
    np.testing.assert_allclose(found, exact, rtol=0.05)
    assert (np.asarray(found)[sizes == 0] == 0).all()
    ratio = found[0] / np.maximum(exact[0], 1e-9)  # the same offsets for every region
    np.testing.assert_allclose(ratio[:4], ratio[0], rtol=1e-4)


def test_a_shift_of_luma_is_one_standard_deviation_of_its_region_up_and_down():
    spreads = (0.1, 0.2, 0.05, 0.3, 0.1)
    found = effects(frozen(), batch(), up_and_down(batch()), spreads)
    sizes = np.stack([(LABELS == n).sum((1, 2)) for n in range(5)], 1)
    weights = np.stack([np.asarray(WEIGHTS[LABELS] * (LABELS == n)).sum((1, 2)) for n in range(5)])
    np.testing.assert_allclose(found, abs(weights.T) * np.array(spreads), rtol=1e-5)
    assert (np.asarray(found)[sizes == 0] == 0).all()


def test_the_effects_of_luma_are_those_that_the_ranks_are_of():
    """Shifts of luma turn which region has most effect: the first one's hardly varies."""
    numbers = {
        "region_change": jnp.array([[0.0, 0.3, 0.1, 0.5], [0.0, 0.5, 0.2, 0.1]]),
        "region_share": jnp.stack([(LABELS == n).mean((1, 2)) for n in range(4)], 1),
    }
    said = Explanation(target=jnp.zeros(2, int), saliency=None, numbers=numbers)
    metric = region_effects(NAMES, "a", luma=(0.001, 0.2, 0.01, 0.2))
    rows = metric.measure(None, frozen(), batch(), said, jax.random.key(0))
    # Effects of the first: .006, .2, .03 and .4.
    np.testing.assert_allclose(rows["effect_rank"][0], 1.0, atol=1e-6)
    assert rows["effect_of_decider"].tolist() == [0.0, 0.0]
    assert rows["names_strongest"].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="There are 4 regions, and luma has 2 standard deviations"):
        few = region_effects(NAMES, "a", luma=(0.1, 0.2))
        few.measure(None, frozen(), batch(), said, jax.random.key(0))


def test_ranks_are_scipys_over_the_regions_that_are_there():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, (20, 6)).astype(float), rng.normal(size=(20, 6))
    there = rng.random((20, 6)) < 0.8
    found = np.asarray(rank_correlation(jnp.asarray(one), jnp.asarray(other), jnp.asarray(there)))
    for row, (a, b, own) in enumerate(zip(one, other, there, strict=True)):
        if own.sum() < 2 or len(set(a[own])) < 2:
            assert np.isnan(found[row])
        else:
            exact = stats.spearmanr(a[own], b[own]).statistic
            assert found[row] == pytest.approx(exact, abs=1e-5)


def test_the_metric_says_whether_the_change_names_what_has_most_effect():
    numbers = {
        "region_change": jnp.array([[0.9, 0.1, 0.3, 0.2], [0.1, 0.5, 0.2, 0.0]]),
        "region_share": jnp.stack([(LABELS == n).mean((1, 2)) for n in range(4)], 1),
    }
    said = Explanation(target=jnp.zeros(2, int), saliency=None, numbers=numbers)
    metric = region_effects(NAMES, "a")
    rows = metric.measure(None, frozen(), batch(), said, jax.random.key(0))
    assert {row.name for row in metric.rows} == set(rows) == {c.name for c in metric.columns}
    # Effects of the first: 6, 1, 3, 2; of the second: 9, 1.5, 2, and the fourth is absent.
    np.testing.assert_allclose(rows["effect_rank"], [1.0, -1.0], atol=1e-6)
    assert rows["effect_of_decider"].tolist() == [1.0, 1.0]
    assert rows["names_strongest"].tolist() == [1.0, 0.0]
    absent = region_effects(NAMES, NAMES[3]).measure(
        None, frozen(), batch(), said, jax.random.key(0)
    )
    np.testing.assert_array_equal(absent["effect_of_decider"], [0.0, np.nan])
    nothing = Explanation(target=None, saliency=None)
    with pytest.raises(ValueError, match="changes no regions"):
        metric.measure(None, frozen(), batch(), nothing, jax.random.key(0))
