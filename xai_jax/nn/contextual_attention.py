"""Contextual attention: what is missing is put together from patches of what is known.

Yu, Lin, Yang, Shen, Lu, Huang, "Generative Image Inpainting with Contextual Attention", CVPR 2018;
every step as in specs: FIDO, sec. 3.2. Each picture of a batch has its own holes.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core.types import Maps

Features = Float[Array, "b y x c"]
Scores = Float[Array, "b q p"]

RATE = 2  # the matching is done at half of the features' resolution
SIDE = 3  # of the patches that are matched
SHARPNESS = 10.0  # of the softmax
_FLOOR = 1e-4  # of a patch's length


def nearest_aligned(size: int, wanted: int) -> np.ndarray:
    """Which of `size` numbers stand for `wanted` ones, the corners on each other.

    ``round(i (size - 1) / (wanted - 1))``, halves upwards, as TensorFlow 1 has it.
    """
    if wanted == 1:
        return np.zeros(1, int)
    return np.floor(np.arange(wanted) * (size - 1) / (wanted - 1) + 0.5).astype(int)


def resized(x: Float[Array, "b h w c"], height: int, width: int) -> Features:
    """The nearest numbers of ``[b h w c]``, corners aligned."""
    rows = nearest_aligned(x.shape[1], height)
    return x[:, rows][:, :, nearest_aligned(x.shape[2], width)]


def contextual_attention(
    features: Features, holes: Maps, *, queries: int | None = None
) -> Features:
    """`features` ``[b y x c]``, each place put together from the patches that match it best.

    Args:
        features: sides divided by `RATE`.
        holes: ``[b y x 1]``, 1 where nothing is known; patches that touch one are not taken. Where
            every patch does, the answer is 0.
        queries: rows of matching places that are compared with all patches at once: bounds the
            memory, leaves the result as it is. ``None``: all rows.

    Raises:
        ValueError: a side is odd, or `queries` does not divide the rows.
    """
    _, height, width, _ = features.shape
    rows, columns = height // RATE, width // RATE
    if height % RATE or width % RATE:
        raise ValueError(f"features are {height} x {width}; both must be multiples of {RATE}.")
    queries = rows if queries is None else queries
    if rows % queries:
        raise ValueError(f"queries is {queries} and must divide the {rows} rows.")
    patches = _patches(resized(features, rows, columns), SIDE, 1)  # [b rows columns k]
    valid = _valid(resized(holes, rows, columns))
    values = _patches(features, 2 * RATE, RATE).reshape(len(features), rows * columns, -1)

    def answer(first: jax.Array) -> Array:
        fused = _fused(patches, first, queries)
        # Masked scores are 0, not minus infinity, before the softmax.
        weights = jax.nn.softmax(SHARPNESS * fused * valid, axis=-1) * valid
        return jnp.einsum("bqp,bpk->bqk", weights, values)

    if queries == rows:
        found = answer(jnp.int32(0))
    else:
        parts = jax.lax.map(answer, jnp.arange(0, rows, queries))  # [n b q k]
        found = jnp.moveaxis(parts, 0, 1).reshape(len(features), rows * columns, -1)
    return _overlaid(found.reshape(len(found), rows, columns, -1)) / 4.0


def _patches(x: Features, side: int, stride: int) -> Float[Array, "b v u k"]:
    """``side x side x c`` numbers around each `stride`-th place, 0 beyond the border ("SAME")."""
    height, width = x.shape[1:3]
    first = (side - stride) // 2
    after = side - stride - first
    padded = jnp.pad(x, ((0, 0), (first, after), (first, after), (0, 0)))
    taps = [
        padded[:, i : i + height : stride, j : j + width : stride]
        for i in range(side)
        for j in range(side)
    ]
    return jnp.stack(taps, axis=-2).reshape(*taps[0].shape[:3], -1)


def _valid(small: Maps) -> Float[Array, "b 1 p"]:
    """1 for places whose 3 x 3 patch touches no hole; beyond the border is none."""
    touched = _patches(small, SIDE, 1).max(axis=-1)
    return (touched == 0).astype(small.dtype).reshape(len(small), 1, -1)


def _fused(patches: Features, first: jax.Array, queries: int) -> Scores:
    """How well each patch matches the places of `queries` rows from `first`, ``[b q p]``.

    A match counts for more where the places beside it match the patches beside that: the scores of
    all pairs are an image ``[places patches]`` that is convolved with the identity of 3 x 3, once
    with places counted along rows, and once along columns. So two rows more either way are compared
    too; the image's borders are those of the whole.
    """
    batch, rows, columns, _ = patches.shape
    beside = jnp.arange(-2, queries + 2) + first  # of which those beyond the borders stand for:
    near = jnp.take(patches, beside % rows, axis=1).reshape(batch, (queries + 4) * columns, -1)
    every = patches.reshape(batch, rows * columns, -1)
    length = jnp.linalg.norm(every, axis=-1, keepdims=True)
    scores = jnp.einsum("bqk,bpk->bqp", near, every / jnp.maximum(length, _FLOOR))
    along_rows = _along_rows(scores, beside % rows, columns, rows * columns)
    return _along_columns(along_rows, beside % rows, rows, columns)


def _moved(x: Array, by: int, axis: int) -> Array:
    """What stands `by` further along an axis, 0 beyond its end."""
    pads = [(0, 0)] * x.ndim
    pads[axis] = (max(-by, 0), max(by, 0))
    start = max(by, 0)
    return jax.lax.slice_in_dim(jnp.pad(x, pads), start, start + x.shape[axis], axis=axis)


def _along_rows(scores: Scores, rows: jax.Array, columns: int, num: int) -> Scores:
    """``s[i, j] + s[i - 1, j - 1] + s[i + 1, j + 1]``; right for all but the first and last row."""
    place = (rows[:, None] * columns + jnp.arange(columns)).reshape(1, -1, 1)
    before = _moved(_moved(scores, -1, 1), -1, 2) * (place > 0)
    after = _moved(_moved(scores, 1, 1), 1, 2) * (place < num - 1)
    return scores + before + after


def _along_columns(
    scores: Scores, beside: jax.Array, rows: int, columns: int
) -> Float[Array, "b n p"]:
    """The same with places and patches counted along columns, of all but two rows either way."""
    batch, _, num = scores.shape
    image = scores.reshape(batch, len(beside), columns, rows, columns)
    row = beside[2:-2].reshape(1, -1, 1, 1, 1)

    def neighbour(by: int) -> Array:
        # The place after the last of a column is the first of the next column.
        last = 0 if by < 0 else rows - 1
        places = jax.lax.slice_in_dim(image, 2 + by, len(beside) - 2 + by, axis=1)
        places = jnp.where(row == last, _moved(places, by, 2), places)
        turned = jnp.swapaxes(places, 3, 4).reshape(*places.shape[:3], num)
        moved = _moved(turned, by, 3).reshape(*places.shape[:3], columns, rows)
        return jnp.swapaxes(moved, 3, 4)

    fused = image[:, 2:-2] + neighbour(-1) + neighbour(1)
    return fused.reshape(batch, -1, num)


def _overlaid(patches: Float[Array, "b v u k"]) -> Features:
    """The sum of patches of 4 x 4 numbers, each around its place, which lie 2 apart."""
    batch, rows, columns, _ = patches.shape
    parts = patches.reshape(batch, rows, columns, 2, 2, 2, 2, -1)  # [.. y yy x xx c]: 2 y + yy
    pads = [(0, 0), (0, 1), (0, 1), (0, 0), (0, 0), (0, 0)]
    blocks = sum(
        jnp.roll(jnp.pad(parts[:, :, :, y, :, x], pads), (y, x), axis=(1, 2))
        for y in range(2)
        for x in range(2)
    )
    whole = jnp.swapaxes(jnp.asarray(blocks), 2, 3)  # [b rows+1 2 columns+1 2 c]
    canvas = whole.reshape(batch, 2 * rows + 2, 2 * columns + 2, -1)
    return canvas[:, 1:-1, 1:-1]
