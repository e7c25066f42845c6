"""AUC, scores at thresholds and components of 200 masks against scikit-learn and SciPy, one by one.

Ours answer all masks in one compiled call, on whatever device there is; the others (extra `peers`)
take one after the other on the host, as they are used: `roc_auc_score`, `jaccard_score` at nine
thresholds, `ndimage.label`. Values are compared first: a case that differs is an error. `plain` is
what NumPy and SciPy's ranks take for the same, written for nothing else.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage, stats

from benchmarks import timing
from benchmarks.peers import installed
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


def _learned_auc(keep: np.ndarray, truth: np.ndarray) -> float:
    return installed("sklearn.metrics").roc_auc_score(truth.ravel() > 0, keep.ravel())


def _learned_mean_iou(keep: np.ndarray, truth: np.ndarray) -> float:
    score = installed("sklearn.metrics").jaccard_score
    cuts = [np.float32(threshold) for threshold in segmentation.DECILES]
    return np.mean(
        [score(truth.ravel() > c, keep.ravel() > c, zero_division=0) for c in cuts]
    ).item()


# Ours; what the limit is of, and in how many masks it is timed; the same plainly.
CASES = {
    "AUC": (segmentation.auc, _learned_auc, MASKS, _auc),
    "IoU at nine thresholds": (segmentation.mean_iou, _learned_mean_iou, 20, _mean_iou),
    "largest component": (_ours_largest, _largest, MASKS, _largest),
}


def rows():
    noise = jax.random.uniform(jax.random.key(0), (MASKS, SIDE, SIDE, 1))
    keep = np.asarray(gaussian_blur(noise, 3.0) * 6.0 - 2.5).clip(0.0, 1.0)
    truth = np.asarray(gaussian_blur(jnp.flip(noise, 0), 12.0) > 0.5, np.float32)
    placed = jax.device_put(keep), jax.device_put(truth)
    for case, (together, peer, num, plain) in CASES.items():
        run = jax.jit(together)

        def one_by_one(one, num=MASKS):
            pairs = zip(keep[:num, ..., 0], truth[:num, ..., 0], strict=True)
            return np.stack([one(*pair) for pair in pairs])

        found = np.asarray(run(*placed))
        for one, masks in ((peer, num), (plain, MASKS)):
            wanted = one_by_one(one, masks)
            np.testing.assert_allclose(found[:masks].reshape(wanted.shape), wanted, atol=1e-5)
        seconds, limit, ratio = timing.paired(
            lambda run=run: run(*placed),
            lambda peer=peer, num=num: one_by_one(peer, num),
            repeats=5,
        )
        yield {
            "case": f"{case}, {MASKS} masks of {SIDE}, on {jax.devices()[0].platform}",
            "value": round(1e3 * seconds / MASKS, 3),
            "unit": "ms a mask",
            "limit": round(1e3 * limit / num, 3),
            "ratio": round(ratio * num / MASKS, 3),
            "must_reach": MUST_REACH,
            "plain": round(1e3 * timing.seconds(lambda plain=plain: one_by_one(plain)) / MASKS, 3),
        }
