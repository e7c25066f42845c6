"""BBMP's three rules of what is strong, by hand, and a box that finds the object or does not."""

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch, Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics import localisation
from xai_jax.metrics.localisation import Rule

MAP = [0.0, 4.0, 1.0, 3.0, 2.0, 0.0]  # mean 10 / 6, sum 10
STRONG = {
    (Rule.MEAN, 0.0): [0, 1, 1, 1, 1, 0],  # never what is 0
    (Rule.MEAN, 1.0): [0, 1, 0, 1, 1, 0],
    (Rule.MEAN, 2.0): [0, 1, 0, 0, 0, 0],
    (Rule.VALUE, 0.5): [0, 1, 0, 1, 1, 0],  # at least 2
    (Rule.VALUE, 0.55): [0, 1, 0, 1, 0, 0],
    (Rule.ENERGY, 0.75): [0, 1, 0, 1, 0, 0],  # 4 + 3 < 7.5, and 2 more reaches it
    (Rule.ENERGY, 0.7): [0, 1, 0, 0, 0, 0],  # 4 + 3 reaches 7, and is dropped
    (Rule.ENERGY, 0.95): [0, 1, 0, 1, 1, 0],
}


@pytest.mark.parametrize(("rule", "share"), STRONG)
def test_strong_pixels_by_hand(rule, share):
    maps = jnp.array(MAP).reshape(1, 2, 3, 1)
    found = jax.jit(lambda maps: localisation.strong(maps, rule, share))(maps)
    np.testing.assert_array_equal(found.ravel(), np.array(STRONG[rule, share], bool))


def test_a_box_finds_the_object_from_half_of_the_union_on():
    maps, truth = np.zeros((4, 8, 8, 1), np.float32), np.zeros((4, 8, 8, 1), np.float32)
    truth[:3, :4, :4] = 1.0
    maps[0, :2, :4] = 1.0  # 8 of 16
    maps[1, :2, :3] = 1.0  # 6 of 16
    maps[2] = -1.0  # nothing is strong: the whole picture, 16 of 64
    classifier = planted.quadrant()
    frozen = Frozen(classifier, Constant(value=0.0).build(classifier))
    metric = localisation.found_at(Rule.VALUE, 0.5)
    batch = Batch(
        images=None, target=jnp.zeros(4, jnp.int32), image_id=None, weight=None,
        labels=jnp.ones((4, 1)), masks=jnp.asarray(truth),
    )  # fmt: skip
    explanation = Explanation(target=batch.target, saliency=jnp.asarray(maps))
    found = metric.measure((), frozen, batch, explanation, jax.random.key(0))
    assert [column.name for column in metric.columns] == list(found) == ["found_value_0_5"]
    np.testing.assert_array_equal(found["found_value_0_5"], [1, 0, 0, np.nan])


@pytest.mark.parametrize(("rule", "share"), [(Rule.MEAN, -0.1), (Rule.ENERGY, 1.1)])
def test_a_share_that_is_none_is_refused(rule, share):
    with pytest.raises(ValueError, match="share must be in"):
        localisation.found_at(rule, share)
