"""Scores of a mask by NumPy and SciPy, of the pixels that are handed over and of no others."""

import numpy as np
import scipy.stats

DECILES, QUARTERS = np.arange(1, 10) / 10, (0.25, 0.5, 0.75)


def by_hand(mask, truth) -> dict[str, float]:
    """Every metric of `xai_jax.metrics.segmentation`, of two equally long rows of pixels."""
    m, g = np.asarray(mask, np.float64), np.asarray(truth, np.float64)
    product = (m * g).sum()
    return {
        "accuracy": (m * g + (1 - m) * (1 - g)).mean(),
        "overlap": 1 - np.abs(m - g).mean(),
        "soft_f1": 2 * product / (m.sum() + g.sum()),
        "mean_f1": np.mean([_f1(m > t, g > t) for t in QUARTERS]),
        "dice": _f1(m > 0.5, g > 0.5),
        "mean_iou": np.mean([_iou(m > t, g > t) for t in DECILES]),
        "soft_iou": np.minimum(m, g).sum() / np.maximum(m, g).sum(),
        "background_coverage": np.maximum(m - g, 0).sum() / (1 - g).sum(),
        "object_coverage": 1 - np.maximum(g - m, 0).sum() / g.sum(),
        "similarity_ratio": product / (product + ((m - g) ** 2).sum()),
        "auc": scipy.stats.mannwhitneyu(m[g > 0], m[g == 0]).statistic
        / ((g > 0).sum() * (g == 0).sum()),
        "pointing": float(g[m.argmax()] > 0.5),
    }


def _iou(found, there) -> float:
    return (found & there).sum() / max((found | there).sum(), 1)


def _f1(found, there) -> float:
    if not (found & there).any():
        return 0.0
    precision, recall = found[there].sum() / found.sum(), found[there].sum() / there.sum()
    return 2 * precision * recall / (precision + recall)
