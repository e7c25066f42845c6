"""Dense convolution of few places by a heavy kernel, as matrix products, for CPUs.

Deep in a network a kernel has more numbers than what it is applied to. There XLA's convolution
spends its time on packing the kernel, and its gradient with respect to the input on a flipped and
transposed copy of it: of 8 x 8 places and 1024 channels four and sixteen times the product's. Here
the kernel is read where it lies, once: by what each place has around it, and for the gradient by
each place, whose share for every tap is then moved there.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core.conv import Pads
from xai_jax.core.kernel_gradient import bordered

_HEAVY = 1_000_000  # numbers of a kernel, at least, which no cache has


def is_heavy(places: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether the products are faster; the number of pictures makes no difference.

    Args:
        places: of a picture, its height and width.
        kernel: shape ``[kh kw i o]``; the stride is 1.
    """
    if kernel[0] * kernel[1] == 1:
        return False
    return math.prod(places) <= kernel[-1] and math.prod(kernel) >= _HEAVY


def by_patches(
    x: Float[Array, "b h w i"], kernel: Float[Array, "kh kw i o"], pads: Pads
) -> Float[Array, "b y x o"]:
    """The convolution."""
    rows, columns, _, outputs = kernel.shape
    padded = bordered(x, pads)
    height, width = (n - side + 1 for n, side in zip(padded.shape[1:3], kernel.shape, strict=False))
    around = [
        padded[:, row : row + height, column : column + width]
        for row, column in itertools.product(range(rows), range(columns))
    ]
    patches = jnp.concatenate(around, axis=-1)
    flat = kernel.reshape(-1, outputs)
    return _product(patches, flat, 0, jnp.promote_types(x.dtype, jnp.float32)).astype(x.dtype)


def input_gradient(
    kernel: Float[Array, "kh kw i o"],
    cotangent: Float[Array, "b y x o"],
    places: tuple[int, ...],
    pads: Pads,
) -> Float[Array, "b h w i"]:
    """The gradient with respect to the input, of so many places ``(h, w)``."""
    rows, columns, inputs, outputs = kernel.shape
    summed = jnp.promote_types(cotangent.dtype, jnp.float32)
    given = _product(cotangent, kernel.reshape(-1, outputs), 1, summed)
    given = given.reshape(*cotangent.shape[:3], rows * columns * inputs)
    given = bordered(given, ((rows - 1, rows - 1), (columns - 1, columns - 1)))
    given = given.reshape(*given.shape[:3], rows, columns, inputs)

    def moved(row: int, column: int):
        top, left = rows - 1 - row + pads[0][0], columns - 1 - column + pads[1][0]
        return given[:, top : top + places[0], left : left + places[1], row, column]

    taps = itertools.product(range(rows), range(columns))
    return functools.reduce(jnp.add, itertools.starmap(moved, taps)).astype(cotangent.dtype)


def _product(x, matrix, axis: int, dtype):
    """Sums over the last axis of `x` and `axis` of the matrix."""
    return jax.lax.dot_general(
        x, matrix, (((x.ndim - 1,), (axis,)), ((), ())), preferred_element_type=dtype
    )
