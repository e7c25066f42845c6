"""Log-odds of parts of a picture, against a loop in NumPy over a closed form."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted

from xai_jax.core.areas import AREAS
from xai_jax.core.method import Frozen
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Constant
from xai_jax.metrics.fidelity import fidelity

SIZE, FILLED = 8, 0.3


def by_hand(image: np.ndarray, keep: np.ndarray, target: int) -> float:
    """Log-odds of the quadrant classifier on the composite, in float64."""
    composite = keep * image.astype(np.float64) + (1 - keep) * FILLED
    half = SIZE // 2
    quarters = [composite[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    logits = np.array([20.0 * quarter.mean() for quarter in quarters])
    others = np.delete(logits, target)
    return float(logits[target] - np.log(np.exp(others).sum()))


def test_every_part_of_every_picture_is_scored_as_by_hand():
    batch = planted.quadrant_batch(3, SIZE, jax.random.key(0))
    batch = dataclasses.replace(batch, target=jnp.array([0, 3, 1], jnp.int32))  # one is not seen
    classifier = planted.quadrant()
    rng = np.random.default_rng(0)
    keep = rng.uniform(size=(3, SIZE, SIZE, 1)).astype(np.float32)
    saliency = rng.normal(size=(3, SIZE, SIZE, 1)).astype(np.float32)
    explanation = Explanation(
        keep=jnp.array(keep), saliency=jnp.array(saliency), target=batch.target
    )
    frozen = Frozen(classifier, Constant(value=FILLED).build(classifier))
    metric = fidelity()
    found = metric.measure(metric.params, frozen, batch, explanation, jax.random.key(1))
    assert set(found) == {row.name for row in metric.rows}
    np.testing.assert_allclose(found["kept_area"], keep.mean(axis=(1, 2, 3)), rtol=1e-6)
    for i, (image, target) in enumerate(zip(np.asarray(batch.images), (0, 3, 1), strict=True)):
        wanted = {
            "original": by_hand(image, np.ones_like(keep[i]), target),
            "kept": by_hand(image, keep[i], target),
            "removed": by_hand(image, 1 - keep[i], target),
        }
        for part, value in wanted.items():
            np.testing.assert_allclose(found[f"log_odds_{part}"][i], value, atol=2e-5)
        order = np.argsort(-saliency[i].ravel(), kind="stable")
        for level, share in enumerate(AREAS):
            hard = np.zeros(SIZE * SIZE)
            hard[order[: max(round(share * SIZE * SIZE), 1)]] = 1
            hard = hard.reshape(SIZE, SIZE, 1)
            np.testing.assert_allclose(
                found["curve_kept"][i, level], by_hand(image, hard, target), atol=2e-5
            )
            np.testing.assert_allclose(
                found["curve_removed"][i, level], by_hand(image, 1 - hard, target), atol=2e-5
            )
