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
    features: Features, holes: Maps, *, at_once: int | None = None
) -> Features:
    """`features` ``[b y x c]``, each place put together from the patches that match it best.

    Patches are never written out: how two of them match is a sum of how their numbers do, and the
    patches that are laid over each other are a sum of weights of the numbers themselves.

    Args:
        features: sides divided by `RATE`.
        holes: ``[b y x 1]``, 1 where nothing is known; patches that touch one are not taken. Where
            every patch does, the answer is 0.
        at_once: scores of a place and a patch that are held at once, where a row of places needs no
            more: bounds the memory, leaves the result as it is; on several devices those of each
            picture. ``None``: all.

    Raises:
        ValueError: a side is odd.
    """
    batch, height, width, _ = features.shape
    if height % RATE or width % RATE:
        raise ValueError(f"features are {height} x {width}; both must be multiples of {RATE}.")
    rows, columns = height // RATE, width // RATE
    of_row = columns * rows * columns
    if at_once is None or batch * rows * of_row <= at_once:
        return _answered(features, holes, rows)
    most = min(max(at_once // of_row, 1), rows)
    queries = max(n for n in range(1, most + 1) if rows % n == 0)
    if jax.device_count() > 1:  # a loop over pictures would bring all of them to every device
        return _answered(features, holes, queries)
    one = lambda picture: _answered(picture[0][None], picture[1][None], queries)[0]  # noqa: E731
    found: Features = jax.lax.map(one, (features, holes))
    return found


def _answered(features: Features, holes: Maps, queries: int) -> Features:
    """The answer for the places of `queries` rows after those of others, all patches each time."""
    batch, height, width, channels = features.shape
    rows, columns = height // RATE, width // RATE
    small = resized(features, rows, columns)
    valid = _valid(resized(holes, rows, columns))
    cells = _cells(features).reshape(batch, (rows + 1) * (columns + 1), -1)

    def answer(first: jax.Array) -> Float[Array, "b v u k"]:
        fused = _fused(small, first, queries)
        # Masked scores are 0, not minus infinity, before the softmax.
        weights = jax.nn.softmax(SHARPNESS * fused * valid, axis=-1) * valid
        image = weights.reshape(batch, queries, columns, rows, columns)
        laid = _laid(image).reshape(batch, -1, cells.shape[1])
        return (laid @ cells).reshape(batch, queries + 1, columns + 1, -1)

    def add(canvas, first: jax.Array):
        old = jax.lax.dynamic_slice_in_dim(canvas, first, queries + 1, axis=1)
        both = old + answer(first)
        return jax.lax.dynamic_update_slice_in_dim(canvas, both, first, axis=1), None

    if queries == rows:
        canvas = answer(jnp.int32(0))
    else:
        blank = jnp.zeros((batch, rows + 1, columns + 1, RATE * RATE * channels), features.dtype)
        canvas = jax.lax.scan(add, blank, jnp.arange(0, rows, queries))[0]
    whole = canvas.reshape(batch, rows + 1, columns + 1, RATE, RATE, channels).swapaxes(2, 3)
    return whole.reshape(batch, height + RATE, width + RATE, -1)[:, 1:-1, 1:-1] / 4.0


def _cells(features: Features) -> Float[Array, "b v u k"]:
    """2 x 2 numbers beside each other: a patch of 4 x 4, around its place, is 2 x 2 of these."""
    batch, height, width, channels = features.shape
    padded = jnp.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = height // RATE + 1, width // RATE + 1
    split = padded.reshape(batch, rows, RATE, columns, RATE, channels).swapaxes(2, 3)
    return split.reshape(batch, rows, columns, -1)


def _laid(weights: Float[Array, "b q x v u"]) -> Float[Array, "b r s t w"]:
    """What each cell of places takes of each cell of patches: theirs of all patches it is part of.

    One cell more either way: a place or a patch is four cells.
    """

    def moved(down: int, right: int):
        steps = (down, 1 - down), (right, 1 - right)
        return jnp.pad(weights, ((0, 0), *steps, *steps))

    return moved(0, 0) + moved(0, 1) + moved(1, 0) + moved(1, 1)


def _valid(small: Maps) -> Float[Array, "b 1 p"]:
    """1 for places whose 3 x 3 patch touches no hole; beyond the border is none."""
    column = _around(small).sum(axis=(3, 4))  # [b y x]
    touched = column + _moved(column, -1, 2) + _moved(column, 1, 2)
    return (touched == 0).astype(small.dtype).reshape(len(small), 1, -1)


def _around(x: Features) -> Float[Array, "b y x 3 c"]:
    """Each column of three: what stands above, at and below a place, 0 beyond the border."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)))
    return jnp.stack([padded[:, i : i + x.shape[1]] for i in range(SIDE)], axis=3)


def _fused(small: Features, first: jax.Array, queries: int) -> Scores:
    """How well each patch matches the places of `queries` rows from `first`, ``[b q p]``.

    A match counts for more where the places beside it match the patches beside that: the scores of
    all pairs are an image ``[places patches]`` that is convolved with the identity of 3 x 3, once
    with places counted along rows, and once along columns. So two rows more either way are compared
    too; the image's borders are those of the whole.
    """
    batch, rows, columns, _ = small.shape
    beside = jnp.arange(-2, queries + 2) + first  # of which those beyond the borders stand for:
    every = _around(small).reshape(batch, rows, columns, -1)
    near = jnp.take(every, beside % rows, axis=1)
    pairs = jnp.einsum("bnxk,bvuk->bnxvu", near, every)
    # A patch is three such columns beside each other.
    matches = pairs + sum(_moved(_moved(pairs, by, 2), by, 4) for by in (-1, 1))
    squares = jnp.square(every).sum(axis=-1)  # [b v u]
    squares += _moved(squares, -1, 2) + _moved(squares, 1, 2)
    scores = matches / jnp.sqrt(jnp.maximum(squares, _FLOOR**2))[:, None, None]
    scores = scores.reshape(batch, len(beside) * columns, rows * columns)
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
