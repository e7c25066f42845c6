"""Saliency of a mask (Dabkowski & Gal 2017): how little of a picture convinces the classifier."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Num

from xai_jax.core.types import Logits, Maps, PerExample

Counts = Num[Array, "b k"]


def saliency(keep: Maps, kept_logits: Logits, counts: Counts, *, floor: float = 0.05) -> PerExample:
    """``ln(max(mean m, floor)) - ln(sum of the classes' softmax)``, in nats; lower is better.

    NaN for a picture without a class: there is nothing to be convinced of.

    Args:
        keep: the mask m, in [0, 1].
        kept_logits: the classifier's on the picture where the mask keeps it.
        counts: how often each class is in the picture. The authors count a class of VOC once an
            object, so that the sum may exceed 1, and a class of COCO once; pass 0 and 1 for that.
        floor: smallest area that is still rewarded.
    """
    area = jnp.maximum(keep.mean(axis=(1, 2, 3)), floor)
    log_probs = jax.nn.log_softmax(kept_logits)
    said = jax.nn.logsumexp(log_probs, axis=1, b=counts.astype(log_probs.dtype))
    return jnp.where((counts > 0).any(axis=1), jnp.log(area) - said, jnp.nan)
