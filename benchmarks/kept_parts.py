"""What benchmarks of FIDO ask of its maps: log-odds of shares alone or removed, connected parts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from xai_jax.core.areas import AREAS, num_kept
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch


@functools.partial(jax.jit, static_argnames=("shares", "removed"))
def curve(frozen: Frozen, batch: Batch, rank, shares=AREAS, removed: bool = False):
    """Log-odds of the target with each share of the most salient pixels alone or gone, ``[b n]``.

    Args:
        frozen: its classifier judges, its infill shows the rest.
        batch: the pictures.
        rank: `core.areas.ranks` of the saliency.
        shares: of the pixels.
        removed: they are gone, and all others are kept.
    """
    context = frozen.infill.prepare(batch.images)
    counts = jnp.array([num_kept(share, rank.shape[1] * rank.shape[2]) for share in shares])
    keys = jax.random.split(jax.random.key(1), len(batch.images))

    def log_odds(count):
        keep = ((rank < count) != removed).astype(jnp.float32)
        shown = compose(batch.images, keep, frozen.infill(context, keep, keys))
        return frozen.classifier.log_odds(shown, batch.target)

    return jax.lax.map(log_odds, counts).T


def num_parts(inside: np.ndarray) -> int:
    """Connected parts (four neighbours) of a mask ``[h w 1]``."""
    return int(ndimage.label(inside[..., 0])[1])


def interval(values: np.ndarray) -> list[float]:
    """Of 95 %, of their mean, by the bootstrap."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return np.round(np.quantile(draws, [0.025, 0.975]), 3).tolist()
