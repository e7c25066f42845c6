"""AUC, scores at thresholds and components of 200 masks against SciPy and NumPy, one by one.

Ours answer all masks in one compiled call, on whatever device there is; the others take one after
the other on the host, as scikit-learn's and SciPy's functions are used. Values are compared first:
a case that differs is an error.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage, stats

from benchmarks import timing
from xai_jax.core.image import gaussian_blur
from xai_jax.metrics import components, segmentation

MASKS, SIDE = 200, 224
MUST_REACH = 0.2


def _auc(keep: np.ndarray, truth: np.ndarray) -> float:
    """The Mann-Whitney statistic of ranks, over the number of pairs."""
    ranks = stats.rankdata(keep.ravel())
    inside = truth.ravel() > 0
    num, others = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - num * (num + 1) / 2) / (num * others))


def _mean_iou(keep: np.ndarray, truth: np.ndarray) -> float:
    found = []
    for threshold in segmentation.DECILES:
        hard, true = keep > np.float32(threshold), truth > np.float32(threshold)
        found.append((hard & true).sum() / max((hard | true).sum(), 1))
    return float(np.mean(found))


def _largest(keep: np.ndarray, truth: np.ndarray) -> np.ndarray:
    del truth
    labels, _ = ndimage.label(keep > keep.mean(dtype=np.float32))
    sizes = np.bincount(labels.ravel(), minlength=2)
    return labels == 1 + sizes[1:].argmax()


def _ours_largest(keep, truth):
    del truth
    return components.largest(keep > keep.mean(axis=(1, 2, 3), keepdims=True))


CASES = {
    "AUC": (segmentation.auc, _auc),
    "IoU at nine thresholds": (segmentation.mean_iou, _mean_iou),
    "largest component": (_ours_largest, _largest),
}


def rows():
    noise = jax.random.uniform(jax.random.key(0), (MASKS, SIDE, SIDE, 1))
    keep = np.asarray(gaussian_blur(noise, 3.0) * 6.0 - 2.5).clip(0.0, 1.0)
    truth = np.asarray(gaussian_blur(jnp.flip(noise, 0), 12.0) > 0.5, np.float32)
    placed = jax.device_put(keep), jax.device_put(truth)
    for case, (together, one) in CASES.items():
        run = jax.jit(together)

        def ours(run=run):
            return run(*placed)

        def others(one=one):
            pairs = zip(keep[..., 0], truth[..., 0], strict=True)
            return np.stack([one(*pair) for pair in pairs])

        wanted = others()
        np.testing.assert_allclose(np.asarray(ours()).reshape(wanted.shape), wanted, atol=1e-5)
        seconds, limit, ratio = timing.paired(ours, others, repeats=3)
        yield {
            "case": f"{case}, {MASKS} masks of {SIDE}, on {jax.devices()[0].platform}",
            "value": round(1e3 * seconds / MASKS, 3),
            "unit": "ms a mask",
            "limit": round(1e3 * limit / MASKS, 3),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
