"""Max-pool whose gradient is fast on every backend.

XLA's gradient of a max-pool writes several arrays of indices as large as the activations, which on
CPUs takes longer than the convolutions around it. There, the pixel that wins each window is found
by comparing, and each pixel asks the windows that cover it whether it won: one pass over the
activations. GPUs and TPUs keep XLA's.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xai_jax.core.conv import Pads

Activations = Float[Array, "b h w c"]
Pooled = Float[Array, "b y x c"]

_NO_TAP = -1  # what no window's winner is called


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def max_pool(x: Activations, size: int, stride: int, pads: Pads) -> Pooled:
    """Largest value of each window of ``[b h w c]``; its gradient goes to the first of equals.

    Args:
        x: activations.
        size: side of the window, at most 11.
        stride: step of the window.
        pads: how far the border is padded with minus infinity, less than `size`.
    """
    return _largest(x, size, stride, pads)


def _largest(x, size: int, stride: int, pads: Pads):
    window, strides = (1, size, size, 1), (1, stride, stride, 1)
    padding = ((0, 0), *pads, (0, 0))
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, padding)


def _forward(x, size: int, stride: int, pads: Pads):
    return _largest(x, size, stride, pads), x


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _backward(size: int, stride: int, pads: Pads, x, cotangent):
    grad_x = jax.lax.platform_dependent(
        x,
        cotangent,
        cpu=functools.partial(_asking, size=size, stride=stride, pads=pads),
        default=functools.partial(_native, size=size, stride=stride, pads=pads),
    )
    return (grad_x,)


max_pool.defvjp(_forward, _backward)


def _native(x, cotangent, *, size: int, stride: int, pads: Pads):
    return jax.vjp(lambda x: _largest(x, size, stride, pads), x)[1](cotangent)[0]


def _asking(x, cotangent, *, size: int, stride: int, pads: Pads):
    """Each pixel gets the cotangents of the windows whose first largest pixel it is.

    The padded picture is cut into cells of stride x stride pixels. A window begins at the corner of
    a cell and covers it and up to `reach` - 1 cells below and to the right; so a cell asks as many
    windows an axis, all its pixels the same ones.
    """
    winner = _first_largest(x, size, stride, pads)  # [b y x c]
    (top, _), (left, _) = pads
    height, width = x.shape[1:3]
    cells = -(-(top + height) // stride), -(-(left + width) // stride)
    reach = -(-size // stride)
    around = [
        (0, 0, 0),
        *((reach - 1, n - m, 0) for n, m in zip(cells, winner.shape[1:3], strict=True)),
        (0, 0, 0),
    ]
    winner = jax.lax.pad(winner, jnp.array(_NO_TAP, winner.dtype), around)
    cotangent = jax.lax.pad(cotangent, jnp.zeros((), cotangent.dtype), around)

    def received(back_y: int, back_x: int):
        """``[b cy stride cx stride c]``, of the windows so many cells above and to the left."""
        rows = slice(reach - 1 - back_y, reach - 1 - back_y + cells[0])
        columns = slice(reach - 1 - back_x, reach - 1 - back_x + cells[1])
        taps = _taps(size, stride, back_y, back_x)[:, None, :, None].astype(winner.dtype)
        won = winner[:, rows, None, columns, None] == taps
        return jnp.where(won, cotangent[:, rows, None, columns, None], 0)

    asked = itertools.product(range(reach), repeat=2)
    full = functools.reduce(jnp.add, itertools.starmap(received, asked))
    full = full.reshape(x.shape[0], cells[0] * stride, cells[1] * stride, x.shape[3])
    return full[:, top : top + height, left : left + width]


def _taps(size: int, stride: int, back_y: int, back_x: int) -> np.ndarray:
    """Which tap the pixels of a cell are, ``[stride stride]``, in a window that begins above."""
    row, column = (np.arange(stride) + back * stride for back in (back_y, back_x))
    inside = (row < size)[:, None] & (column < size)
    return np.where(inside, row[:, None] * size + column, _NO_TAP - 1)


def _first_largest(x, size: int, stride: int, pads: Pads) -> Int[Array, "b y x c"]:
    """The tap, counted along the rows, that is the first largest of each window."""
    padded = jax.lax.pad(
        x, jnp.array(-jnp.inf, x.dtype), [(0, 0, 0), *((*pad, 0) for pad in pads), (0, 0, 0)]
    )
    batch, height, width, channels = padded.shape
    last = [(n - size) // stride * stride for n in (height, width)]

    def pixels(i: int, j: int):
        end = batch, i + last[0] + 1, j + last[1] + 1, channels
        return jax.lax.slice(padded, (0, i, j, 0), end, (1, stride, stride, 1))

    largest, winner = pixels(0, 0), jnp.zeros((), jnp.int8)
    for tap in range(1, size * size):
        candidate = pixels(*divmod(tap, size))
        winner = jnp.where(candidate > largest, jnp.int8(tap), winner)
        largest = jnp.maximum(largest, candidate)
    return jnp.broadcast_to(winner, largest.shape)
