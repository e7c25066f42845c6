"""What the classifier says of the kept and of the removed part."""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core import outputs
from xai_jax.core.areas import AREAS, num_kept, ranks, smallest_sufficient
from xai_jax.core.method import Frozen
from xai_jax.core.metric import Column, Metric
from xai_jax.core.outputs import AREA
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, PerExample, PRNGKey, PyTree
from xai_jax.metrics.shown import of_parts


def fidelity() -> Metric:
    """The target's log-odds when parts of the picture are shown: 42 classifier calls a picture.

    The parts are the explanation's own mask `keep` and what it leaves, and for each of
    `core.areas.AREAS` that share of the most salient pixels, kept alone or removed. Of an infill
    that draws one of several they are means over these, of as many calls each.
    """
    return Metric(measure=_measured, rows=ROWS, columns=COLUMNS)


def _measured(
    params: PyTree, frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey
) -> dict[str, PerExample]:
    del params
    if explanation.keep is None:
        raise ValueError("This method cuts nothing out (it has no keep); leave out fidelity.")
    keys = example_keys(key, batch.image_id)
    score = lambda images: frozen.classifier.log_odds(images, batch.target)  # noqa: E731
    shown = of_parts(frozen.infill, batch.images, keys, score)
    rank = ranks(explanation.saliency)
    pixels = rank.shape[1] * rank.shape[2]
    counts = jnp.array([num_kept(share, pixels) for share in AREAS], np.int32)

    def log_odds(part: tuple[jax.Array, jax.Array]) -> PerExample:
        level, is_removed = part  # level -1 is the explanation's own mask
        keep = jnp.where(level < 0, explanation.keep, rank < counts[level])
        return shown(jnp.where(is_removed, 1.0 - keep, keep))

    # One loop over all parts, for the sake of one copy of the classifier in the compiled program.
    levels = jnp.arange(-1, len(AREAS))
    parts = jnp.tile(levels, 2), jnp.repeat(jnp.array([False, True]), len(levels))
    kept, removed = jnp.split(jax.lax.map(log_odds, parts), 2)  # [1+n b] each
    original = kept[-1]  # the last level keeps every pixel: it is the picture
    return {
        "log_odds_original": original,
        "log_odds_kept": kept[0],
        "log_odds_removed": removed[0],
        "curve_kept": kept[1:].T,
        "curve_removed": removed[1:].T,
        "kept_area": explanation.keep.mean(axis=(1, 2, 3)),
        "sufficient_area": smallest_sufficient(kept[1:].T, original),
    }


ROWS = (
    outputs.number("log_odds_original", "nats", "Of the target in the whole picture."),
    outputs.number("log_odds_kept", "nats", "Of the target in the part that keep keeps, alone."),
    outputs.number("log_odds_removed", "nats", "Of the target in what is left without that part."),
    outputs.number("curve_kept", "nats", "Log-odds with the most salient share alone.", AREA),
    outputs.number("curve_removed", "nats", "Log-odds without the most salient share.", AREA),
    outputs.number("kept_area", "in [0, 1]", "Mean of keep."),
    outputs.number(
        "sufficient_area",
        "in [0, 1]",
        "Smallest share whose most salient pixels keep the decision by themselves; NaN: none does.",
    ),
)
_SOURCE = "FIDO (Chang et al. 2019), sec. 1 and 4"
COLUMNS = (
    Column("log_odds_original", "whole, nats", "neither", -np.inf, np.inf, "nats", _SOURCE, 2),
    Column("log_odds_kept", "kept, nats", "higher", -np.inf, np.inf, "nats", _SOURCE, 2),
    Column("log_odds_removed", "removed, nats", "lower", -np.inf, np.inf, "nats", _SOURCE, 2),
    Column("kept_area", "kept area", "lower", 0.0, 1.0, "", _SOURCE),
    Column("sufficient_area", "sufficient area", "lower", 0.0, 1.0, "", _SOURCE),
)
