"""A map of evidence as scores: where it lies, and how concentrated it is; nothing is cut out."""

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.image import unit_range
from xai_jax.core.metric import Column, Metric, Rows
from xai_jax.core.outputs import Output
from xai_jax.core.types import Batch, Explanation, Maps, PerExample
from xai_jax.losses.masks import brightest
from xai_jax.metrics.segmentation import without_nan
from xai_jax.metrics.truth import true_mask


def localisation() -> Metric:
    """Energy pointing and relevance rank accuracy of `Explanation.saliency` against the truth."""
    rows = _rows(_LOCALISATION)
    return Metric(measure=_localisation, rows=rows, columns=_LOCALISATION, ranks=True)


def concentration() -> Metric:
    """Sparsity and complexity of `Explanation.saliency`; no truth is needed."""
    return Metric(measure=_concentration, rows=_rows(_CONCENTRATION), columns=_CONCENTRATION)


def with_flat(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The same, and behind them, where one `ranks` pixels, how many maps have no order.

    Those are the same everywhere, or hold a NaN (which counts as all 0). Metrics that rank pixels
    take theirs in an order that follows the picture and says nothing.
    """
    if not any(metric.ranks for metric in metrics):
        return tuple(metrics)
    return *metrics, Metric(measure=_flat, rows=_rows(_FLAT), columns=_FLAT, reduce=_counted)


def counts_flat(metrics: Sequence[Metric]) -> Metric | None:
    """What `with_flat` has added; ``None``: nothing."""
    return next((metric for metric in metrics if metric.measure is _flat), None)


def _flat(params, frozen, batch: Batch, explanation: Explanation, key) -> dict[str, PerExample]:
    del params, frozen, batch, key
    maps = without_nan(explanation.saliency)
    same = maps.max(axis=(1, 2, 3)) == maps.min(axis=(1, 2, 3))
    return {"flat_maps": same.astype(jnp.float32)}


def _counted(rows: Rows) -> dict[str, float]:
    return {"flat_maps": float(np.nansum(rows["flat_maps"]))}


def _localisation(
    params, frozen, batch: Batch, explanation: Explanation, key
) -> dict[str, PerExample]:
    del params, frozen, key
    maps, truth = without_nan(explanation.saliency), true_mask(batch)
    counted = jnp.ones_like(truth) if batch.counted is None else batch.counted
    return {
        "energy_pointing": energy_pointing(maps, truth, counted),
        "rank_accuracy": rank_accuracy(maps, truth, counted),
    }


def _concentration(
    params, frozen, batch: Batch, explanation: Explanation, key
) -> dict[str, PerExample]:
    del params, frozen, batch, key
    maps = without_nan(explanation.saliency)
    return {"sparsity": gini(maps), "complexity": entropy(maps)}


def energy_pointing(maps: Maps, truth: Maps, counted: Maps) -> PerExample:
    """Share of the positive evidence that lies on the object, ``[b]`` in [0, 1].

    Wang et al., "Score-CAM", CVPR workshop 2020, who have an object in every picture. NaN where
    there is no positive evidence, or no object.
    """
    positive = jnp.maximum(maps, 0.0) * counted
    shares = _share((positive * truth).sum((1, 2, 3)), positive.sum((1, 2, 3)))
    return jnp.where((truth * counted).sum((1, 2, 3)) > 0, shares, jnp.nan)


def rank_accuracy(maps: Maps, truth: Maps, counted: Maps) -> PerExample:
    """Share of the K strongest pixels that lie on the object of K pixels, ``[b]`` in [0, 1].

    Arras, Osman, Samek, "CLEVR-XAI", Information Fusion 2022. Equal values at the limit
    share the places that are left. NaN where there is no object.
    """
    on_object = (truth > 0.5) & (counted > 0.5)
    size = on_object.sum((1, 2, 3)).astype(jnp.int32)
    # What does not count ranks behind all that does.
    ranked = jnp.where(counted > 0.5, 0.5 + 0.5 * unit_range(maps), 0.0)
    strongest = brightest(ranked.reshape(len(maps), -1), size)
    return _share((strongest * on_object.reshape(len(maps), -1)).sum(1), size.astype(jnp.float32))


def gini(maps: Maps) -> PerExample:
    """Gini index of the absolute values, ``[b]`` in [0, 1]: 0 if all are equal, near 1 if few are.

    Chalasani et al., "Concise Explanations of Neural Networks", ICML 2020. NaN for a map of
    zeros.
    """
    values = jnp.sort(jnp.abs(maps).reshape(len(maps), -1), axis=1)
    num = values.shape[1]
    behind = (num - jnp.arange(num) - 0.5) / num
    return 1.0 - 2.0 * _share((values * behind).sum(1), values.sum(1))


def entropy(maps: Maps) -> PerExample:
    """Entropy of the shares of the absolute values, ``[b]`` in nats, from 0 to ``ln(h w)``.

    Bhatt, Weller, Moura, "Evaluating and Aggregating Feature-based Explanations", IJCAI 2020.
    NaN for a map of zeros.
    """
    values = jnp.abs(maps).reshape(len(maps), -1)
    total = values.sum(1)
    shares = values / jnp.where(total > 0, total, 1.0)[:, None]
    logs = jnp.log(jnp.where(shares > 0, shares, 1.0))
    return jnp.where(total > 0, -(shares * logs).sum(1), jnp.nan)


def _share(part: PerExample, whole: PerExample) -> PerExample:
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1.0), jnp.nan)


def _rows(columns: tuple[Column, ...]) -> tuple[Output, ...]:
    return tuple(
        outputs.number(c.name, c.unit or "in [0, 1]", m)
        for c, m in ((c, _MEANINGS[c.name]) for c in columns)
    )


_MEANINGS = {
    "energy_pointing": "Share of the positive evidence on the object; NaN: one is not there.",
    "rank_accuracy": "Share of the K strongest pixels on the object of K; NaN: there is none.",
    "sparsity": "Gini index of the map's absolute values; NaN: all are 0.",
    "flat_maps": "1 where the map is the same everywhere, or holds a NaN; 0 where it is neither.",
    "complexity": "Entropy of the shares of the map's absolute values; NaN: all are 0.",
}
_LOCALISATION = (
    Column("energy_pointing", "energy pointing", "higher", 0.0, 1.0, "", "Wang et al. 2020"),
    Column("rank_accuracy", "rank accuracy", "higher", 0.0, 1.0, "", "Arras et al. 2022"),
)
_CONCENTRATION = (
    Column("sparsity", "sparsity", "higher", 0.0, 1.0, "", "Chalasani et al. 2020"),
    Column("complexity", "complexity", "lower", 0.0, math.inf, "nats", "Bhatt et al. 2020"),
)
_FLAT = (
    Column("flat_maps", "flat maps", "lower", 0.0, math.inf, "", "ours: what ranks nothing", 0),
)
