"""Pixels ranked by saliency, and the shares of the image at which a saliency map is judged."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from xai_jax.core.types import Maps

AREAS = tuple((i / 20) ** 2 for i in range(1, 21))  # 0.0025 … 1: dense where small regions decide
_ROUNDING = 1e-3  # nats


def ranks(saliency: Maps) -> Int[Array, "b h w 1"]:
    """Place of each pixel in its image, 0 = most salient; equals in reading order."""
    flat = saliency.reshape(saliency.shape[0], -1)  # [b hw]
    order = jnp.argsort(-flat, axis=-1, stable=True)
    return jnp.argsort(order, axis=-1).astype(jnp.int32).reshape(saliency.shape)


def num_kept(share: float, num_pixels: int) -> int:
    """How many pixels a share of the image is: rounded, at least one."""
    return max(int(np.round(share * num_pixels)), 1)


def most_salient(saliency_ranks: Int[Array, "b h w 1"], share: float) -> Maps:
    """Hard keep mask: 1 on the `share` of the pixels (see `num_kept`) that is most salient."""
    pixels = saliency_ranks.shape[1] * saliency_ranks.shape[2]
    return (saliency_ranks < num_kept(share, pixels)).astype(jnp.float32)


def smallest_sufficient(curve_kept: np.ndarray, original: float | np.floating) -> int | None:
    """Level (index into `AREAS`) of the smallest share that, kept alone, keeps the decision.

    The decision for the target is kept where its log-odds are at least 0 (a probability of one
    half), or, for a target that the classifier doubts in the whole picture, at least those of
    the picture.

    Args:
        curve_kept: ``[n]``, log-odds in nats with the n-th share kept; NaN never suffices.
        original: log-odds in nats of the picture.

    Returns:
        The level, or ``None`` where no share suffices.
    """
    # The last level is the picture itself, scored by another compiled call: allow for its rounding.
    threshold = min(0.0, float(original) - _ROUNDING)
    sufficient = np.flatnonzero(np.asarray(curve_kept) >= threshold)
    return int(sufficient[0]) if sufficient.size else None
