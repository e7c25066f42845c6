"""How often a classifier decides rightly on the classes of pictures, counted over all decisions."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from xai_jax.core.types import Logits, PerExample
from xai_jax.metrics import segmentation

Labels = Num[Array, "b k"]
PerClass = Float[Array, "k"]
CLASSIFIER_THRESHOLD = 0.0  # of a logit: probability 0.5
EXPLAINER_THRESHOLD = -1.0  # of the logits on masked pictures: probability 0.269


def decisions(logits: Logits, labels: Labels, *, threshold: float) -> dict[str, PerExample]:
    """Numbers of right and wrong decisions of each picture, a class being found at >= `threshold`.

    A label between 0 and 1, of how much of a class there is, counts as 1 above one half.

    Returns:
        ``{"true_positives", "false_positives", "true_negatives", "false_negatives": [b]}``, which
        are summed over pictures for `micro`.
    """
    found, there = logits >= threshold, labels > 0.5
    count = lambda chosen: chosen.sum(axis=1).astype(jnp.float32)  # noqa: E731
    return {
        "true_positives": count(found & there),
        "false_positives": count(found & ~there),
        "true_negatives": count(~found & ~there),
        "false_negatives": count(~found & there),
    }


def micro(sums: dict[str, float]) -> dict[str, float]:
    """Accuracy, precision, recall and F of summed `decisions`, in [0, 1]; 0 where undefined."""
    positives, false_positives, negatives, false_negatives = (
        float(sums[name])
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives")
    )
    ratio = lambda part, whole: part / whole if whole else 0.0  # noqa: E731
    wrong = false_positives + false_negatives
    return {
        "accuracy": ratio(positives + negatives, positives + negatives + wrong),
        "precision": ratio(positives, positives + false_positives),
        "recall": ratio(positives, positives + false_negatives),
        "f1": ratio(2 * positives, 2 * positives + wrong),
    }


def auc(logits: Logits, labels: Labels) -> PerClass:
    """Of each class, the chance that a picture with it gets a larger logit than one without it.

    Ties count half. NaN for a class that is in all pictures or in none.
    """
    truth = labels.T.astype(logits.dtype)
    return segmentation.auc(logits.T[:, :, None, None], truth[:, :, None, None])
