"""Pixels ranked by saliency, and the shares of the image at which a saliency map is judged."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core.types import Maps, PerExample

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


def smallest_sufficient(curve_kept: Float[Array, "b n"], original: PerExample) -> PerExample:
    """The smallest of `AREAS` that, kept alone, keeps the decision; NaN where none does.

    The decision for the target is kept where its log-odds are at least 0 (a probability of one
    half), or, for a target that the classifier doubts in the whole picture, at least those of
    the picture.

    Args:
        curve_kept: log-odds in nats with the n-th share kept; NaN never suffices.
        original: log-odds in nats of the picture.
    """
    # The last level is the picture itself, scored by another compiled call: allow for its rounding.
    threshold = jnp.minimum(0.0, original - _ROUNDING)
    sufficient = curve_kept >= threshold[:, None]
    shares = jnp.where(sufficient, jnp.array(AREAS[: curve_kept.shape[1]]), jnp.inf).min(axis=1)
    return jnp.where(sufficient.any(axis=1), shares, jnp.nan)


def level_of(share: float | None) -> int | None:
    """Index into `AREAS` of a share that `smallest_sufficient` has found; ``None`` for none."""
    if share is None or np.isnan(share):
        return None
    return int(np.argmin(np.abs(np.array(AREAS) - share)))
