"""Squares of a picture in turn, what the classifier says without each, and the map of it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core import parts
from xai_jax.core.image import separable
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import fold_each
from xai_jax.core.types import AnyArray, Batch, Classes, Logits, Maps, PerExample, PRNGKeys

Read = Callable[[Logits, Classes], PerExample]
Places = Float[np.ndarray, "p n"]


def starts(pixels: int, window: int, stride: int) -> np.ndarray:
    """First pixels of the windows along a side; the last window ends at the border.

    Raises:
        ValueError: the window is larger than the side.
    """
    if window > pixels:
        raise ValueError(
            f"window {window} is larger than the picture's side of {pixels} pixels; lower window."
        )
    last = pixels - window
    return np.append(np.arange(0, last, stride), last)


def _cover(pixels: int, window: int, stride: int) -> Places:
    """``[p n]``: 1 where a pixel is in a window."""
    begin = starts(pixels, window, stride)[:, None]
    pixel = np.arange(pixels)[None, :]
    return ((pixel >= begin) & (pixel < begin + window)).astype(np.float32)


def without_each(
    frozen: Frozen,
    batch: Batch,
    keys: PRNGKeys,
    read: Read,
    *,
    window: int,
    stride: int,
    num_samples: int,
    limit: int,
) -> Float[Array, "b p q s"]:
    """What `read` says of the pictures without each window, for each infill drawn.

    Args:
        frozen: classifier and infill.
        batch: images and targets.
        keys: ``[b]``, of the infills.
        read: ``(logits [n k], target [n]) -> [n]``.
        window: side of the squares, pixels.
        stride: pixels from one to the next.
        num_samples: infills of each window.
        limit: composites that may go through the classifier at once.
    """
    num, height, width, channels = batch.images.shape
    parts.check_limit(num, 1, limit)
    rows, columns = (_cover(pixels, window, stride) for pixels in (height, width))
    down, across = jnp.asarray(rows), jnp.asarray(columns)
    context = frozen.infill.prepare(batch.images)

    def of(indices):  # [m] -> [b m]
        place = indices // num_samples
        inside = down[place // len(columns)][:, :, None] * across[place % len(columns)][:, None, :]
        keep = _repeated(1.0 - inside[None, ..., None], num, axis=0)  # [b m h w 1]
        sample_keys = jax.vmap(lambda i: fold_each(keys, i), out_axes=1)(indices)  # [b m]
        each = len(indices)
        filled = frozen.infill(
            jax.tree.map(lambda x: _flat(_repeated(x[:, None], each, axis=1)), context),
            _flat(keep),
            sample_keys.reshape(-1),
        ).reshape(num, each, height, width, channels)
        composites = compose(batch.images[:, None], keep, filled)
        logits = frozen.classifier.logits(_flat(composites))
        return read(logits, jnp.repeat(batch.target, each)).reshape(num, each)

    total = len(rows) * len(columns) * num_samples
    found = parts.mapped(of, total, each=num, limit=limit)
    return found.reshape(num, len(rows), len(columns), num_samples)


def spread(lost: Float[Array, "b p q"], size: tuple[int, int], window: int, stride: int) -> Maps:
    """Each pixel's mean over the windows that it is in; 0 where it is in none."""
    rows, columns = (_cover(pixels, window, stride) for pixels in size)
    sums = separable(lost[..., None], rows.T, columns.T)
    count = rows.sum(axis=0)[:, None] * columns.sum(axis=0)[None, :]
    return sums / np.maximum(count, 1.0)[None, :, :, None]


def _repeated(x: AnyArray, times: int, axis: int) -> AnyArray:
    shape = list(x.shape)
    shape[axis] = times
    return jnp.broadcast_to(x, shape)


def _flat(x: AnyArray) -> AnyArray:
    """``[b m ...]`` -> ``[(b m) ...]``: those of an image stay side by side, on its device."""
    return x.reshape(-1, *x.shape[2:])
