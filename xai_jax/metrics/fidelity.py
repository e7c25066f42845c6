"""What the classifier says of the kept and of the removed part."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.areas import AREAS, num_kept, ranks
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch, Explanation, PerExample, PRNGKey


def scored(frozen: Frozen, batch: Batch, explanation: Explanation, key: PRNGKey) -> Explanation:
    """Adds `log_odds` and `curve` (see `Explanation`): 42 classifier calls an image."""
    keys = example_keys(key, batch.image_id)
    context = frozen.infill.prepare(batch.images)
    rank = ranks(explanation.saliency)
    pixels = rank.shape[1] * rank.shape[2]
    counts = jnp.array([num_kept(share, pixels) for share in AREAS], np.int32)

    def log_odds(part: tuple[jax.Array, jax.Array]) -> PerExample:
        level, is_removed = part  # level -1 is the explanation's own mask
        keep = jnp.where(level < 0, explanation.keep, rank < counts[level])
        keep = jnp.where(is_removed, 1.0 - keep, keep)
        filled = frozen.infill(context, jnp.round(keep), keys)
        return frozen.classifier.log_odds(compose(batch.images, keep, filled), batch.target)

    # One loop over all parts, for the sake of one copy of the classifier in the compiled program.
    levels = jnp.arange(-1, len(AREAS))
    parts = jnp.tile(levels, 2), jnp.repeat(jnp.array([False, True]), len(levels))
    kept, removed = jnp.split(jax.lax.map(log_odds, parts), 2)  # [1+n b] each
    return dataclasses.replace(
        explanation,
        # The last level keeps every pixel: it is the picture.
        log_odds={"original": kept[-1], "kept": kept[0], "removed": removed[0]},
        curve={"kept": kept[1:].T, "removed": removed[1:].T},
    )
