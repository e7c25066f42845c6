"""A mask against what people drew, as scores: formulas of `metrics.segmentation`."""

import jax.numpy as jnp

from xai_jax.core import outputs
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import Output
from xai_jax.core.types import Batch, Explanation, Maps, PerExample
from xai_jax.metrics import segmentation


def overlap() -> Metric:
    """Mean F1, continuous IoU and ROC-AUC of `Explanation.keep` and the true classes together."""
    return Metric(measure=_overlap, rows=_rows(_OVERLAP), columns=_OVERLAP)


def coverage() -> Metric:
    """What `Explanation.keep` covers of the true classes together, and of the rest."""
    return Metric(measure=_coverage, rows=_rows(_COVERAGE), columns=_COVERAGE)


def hits() -> Metric:
    """Dice of `Explanation.keep` cut in half, and whether its peak is on the object."""
    return Metric(measure=_hits, rows=_rows(_HITS), columns=_HITS)


def true_mask(batch: Batch) -> Maps:
    """The share that the true classes cover of what counts of each pixel, in [0, 1].

    Raises:
        ValueError: the batch has no masks.
    """
    if batch.masks is None:
        raise ValueError(
            "The data has no masks to score against; set masks='soft' of data that has some "
            "(docs/data.md says which), or compare with no truth: leave such metrics out, and set "
            "an evaluation's truth=False."
        )
    if batch.masks.shape[3] == 1:
        return batch.masks
    true = batch.masks * (batch.labels > 0)[:, None, None, :]
    return jnp.minimum(true.sum(axis=3, keepdims=True), 1.0)


def _overlap(params, frozen, batch: Batch, explanation: Explanation, key) -> dict[str, PerExample]:
    del params, frozen, key
    keep, truth = segmentation.without_nan(explanation.keep), true_mask(batch)
    return {
        "mean_f1": segmentation.mean_f1(keep, truth, batch.counted),
        "soft_iou": segmentation.soft_iou(keep, truth, batch.counted),
        "auc": segmentation.auc(keep, truth, batch.counted),
    }


def _coverage(params, frozen, batch: Batch, explanation: Explanation, key) -> dict[str, PerExample]:
    del params, frozen, key
    keep, truth = segmentation.without_nan(explanation.keep), true_mask(batch)
    return {
        "background_coverage": segmentation.background_coverage(keep, truth, batch.counted),
        "object_coverage": segmentation.object_coverage(keep, truth, batch.counted),
    }


def _hits(params, frozen, batch: Batch, explanation: Explanation, key) -> dict[str, PerExample]:
    del params, frozen, key
    keep, truth = segmentation.without_nan(explanation.keep), true_mask(batch)
    return {
        "dice": segmentation.f1_at(keep, truth, 0.5, batch.counted),
        "pointing": segmentation.pointing(keep, truth, batch.counted),
    }


def _rows(columns: tuple[Column, ...]) -> tuple[Output, ...]:
    return tuple(outputs.number(c.name, "in [0, 1]", _MEANINGS[c.name]) for c in columns)


_MEANINGS = {
    "mean_f1": "Mean F1 of mask and truth, both cut above 0.25, 0.5 and 0.75.",
    "soft_iou": "sum min(m, g) / sum max(m, g) of mask m and truth g.",
    "auc": "Chance that a pixel of the object outranks one beside it; NaN: not both are there.",
    "background_coverage": "Share of the background that the mask covers.",
    "object_coverage": "Share of the object that the mask covers.",
    "dice": "F1 with mask and truth both cut above 0.5.",
    "pointing": "1: the mask's largest value is on the object; NaN: there is none.",
}
_NNX = "Stalder et al. 2022, as their code scores"
_OVERLAP = (
    Column("mean_f1", "mean F1", "higher", 0.0, 1.0, "", f"{_NNX}: d_f1"),
    Column("soft_iou", "cont. IoU", "higher", 0.0, 1.0, "", f"{_NNX}: c_IOU"),
    Column("auc", "AUC", "higher", 0.0, 1.0, "", f"{_NNX}: AUC"),
)
_COVERAGE = (
    Column(
        "background_coverage", "background cov.", "lower", 0.0, 1.0, "", f"{_NNX}: background_c"
    ),
    Column("object_coverage", "object cov.", "higher", 0.0, 1.0, "", f"{_NNX}: mask_c"),
)
_HITS = (
    Column("dice", "Dice", "higher", 0.0, 1.0, "", "Dice 1945, of masks cut above 0.5"),
    Column("pointing", "pointing", "higher", 0.0, 1.0, "", "Zhang et al. 2018, without a margin"),
)
