"""What the classifier says of the kept and of the removed part."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.areas import AREAS, num_kept, ranks
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, Maps, PerExample, PRNGKey


def _log_odds_of_parts(
    frozen: Frozen, batch: Batch, context, keep: Maps, keys
) -> tuple[PerExample, PerExample]:
    """Log-odds of the picture composed with `keep` and with ``1 - keep``, in nats."""

    def part(keep):
        filled = frozen.infill(context, jnp.round(keep), keys)
        return frozen.classifier.log_odds(compose(batch.images, keep, filled), batch.target)

    return part(keep), part(1.0 - keep)


def scored(frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey) -> Explanation:
    """Adds `log_odds` and `curve` (see `Explanation`): 43 classifier calls an image."""
    keys = example_keys(key, batch.image_id)
    context = frozen.infill.prepare(batch.images)
    kept, removed = _log_odds_of_parts(frozen, batch, context, explanation.keep, keys)
    rank = ranks(explanation.saliency)
    pixels = rank.shape[1] * rank.shape[2]
    counts = jnp.array([num_kept(share, pixels) for share in AREAS], np.int32)

    def at_count(count):
        keep = (rank < count).astype(jnp.float32)
        return _log_odds_of_parts(frozen, batch, context, keep, keys)

    kept_curve, removed_curve = jax.lax.map(at_count, counts)  # [n b]
    original = frozen.classifier.log_odds(batch.images, batch.target)
    return dataclasses.replace(
        explanation,
        log_odds={"original": original, "kept": kept, "removed": removed},
        curve={"kept": kept_curve.T, "removed": removed_curve.T},
    )
