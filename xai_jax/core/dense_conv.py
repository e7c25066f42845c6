"""Dense convolution whose gradients are fast on CPUs, in loops too.

With respect to the input it is a convolution with the flipped and transposed kernel. XLA leaves the
flip to the convolution, which on CPUs costs it the fast kernels: inside a loop, where every mask
optimisation runs, an order of magnitude. Here it is written as plain convolutions; one for each
phase of the grid where the forward convolution has a stride. Pictures have so few channels that the
phases fit into one convolution.

The gradient with respect to the kernel is that of `core.kernel_gradient`; where a kernel has more
numbers than what it is applied to, all else is that of `core.heavy_conv`. And without any padding
XLA's convolution of a stride of 1 takes three times as long on CPUs as with it, so that here some
is added and cut off. GPUs and TPUs keep XLA's.

Where many channels become few and nothing is differentiated, what each tap adds everywhere is one
matrix product, too. The sum of these, each moved by its tap, takes two thirds to a third of the
time of XLA's on CPUs, as long as it all fits into the cache. (In training steps it was slower.)
"""

import functools
import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xai_jax.core import heavy_conv
from xai_jax.core.conv import Pads
from xai_jax.core.kernel_gradient import LAYOUT, bordered, convolved, kernel_gradient

Activations = Float[Array, "b h w i"]
Strided = Float[Array, "b y x o"]
Kernel = Float[Array, "kh kw i o"]

_OF_PICTURES = 4  # channels, at most
_INPUTS, _OUTPUTS = 32, 64  # channels, at least and at most, of what is one product forwards, too
_FEW = 8, 4  # the same, which are so whatever their size: XLA's has no fast kernel for them
_CACHED = 5_000_000  # numbers, at most, of what all taps add


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def dense(x: Activations, kernel: Kernel, stride: int, pads: Pads, dilation: int = 1) -> Strided:
    """Dense convolution of ``[b h w i]`` with ``[kh kw i o]``.

    Args:
        x: activations.
        kernel: weights.
        stride: the same for both axes.
        pads: zero padding.
        dilation: distance of neighbouring taps.
    """
    if stride > 1 or dilation > 1 or not _is_product(x.shape, kernel.shape):
        return _convolved(x, kernel, stride, pads, dilation)
    native = functools.partial(convolved, stride=stride, pads=pads, dilation=dilation)
    by_product = functools.partial(_by_product, pads=pads)
    return jax.lax.platform_dependent(x, kernel, cpu=by_product, default=native)


def _convolved(x, kernel, stride: int, pads: Pads, dilation: int):
    """XLA's, but on CPUs of heavy kernels, and where nothing is padded."""
    native = functools.partial(convolved, stride=stride, pads=pads, dilation=dilation)
    on_cpu: Callable | None = None
    if stride == dilation == 1 and heavy_conv.is_heavy(x.shape[1:3], kernel.shape):
        on_cpu = functools.partial(heavy_conv.by_patches, pads=pads)
    elif stride == 1 and not any(sum(pads, ())) and _is_slow_unpadded(kernel.shape):
        on_cpu = functools.partial(_with_a_row, dilation=dilation)
    if on_cpu is None:
        return native(x, kernel)
    return jax.lax.platform_dependent(x, kernel, cpu=on_cpu, default=native)


def _is_slow_unpadded(kernel: tuple[int, ...]) -> bool:
    return min(kernel[:2]) >= 3 and kernel[2] >= _FEW[0]


def _with_a_row(x, kernel, *, dilation: int):
    """One row more, and away with it: XLA's takes a third of the time as soon as it pads."""
    return convolved(x, kernel, 1, ((0, 1), (0, 0)), dilation)[:, :-1]


def _is_product(shape: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether CPUs are faster at the matrix product of `_by_product`."""
    rows, columns, inputs, outputs = kernel
    if rows * columns == 1:
        return False
    if inputs >= _FEW[0] and outputs <= _FEW[1]:
        return outputs > 1
    numbers = math.prod(shape[:3]) * rows * columns * outputs
    return inputs >= _INPUTS and outputs <= _OUTPUTS and numbers <= _CACHED


def _by_product(x, kernel, *, pads: Pads):
    """What each tap adds at every place of the padded picture; the sum of these, each moved."""
    padded = bordered(x, pads)
    taps = kernel.transpose(2, 0, 1, 3)  # [i kh kw o]
    summed = jnp.promote_types(x.dtype, jnp.float32)
    added = jax.lax.dot_general(
        padded, taps, (((3,), (0,)), ((), ())), preferred_element_type=summed
    )  # [b h w kh kw o]
    height, width = (n - side + 1 for n, side in zip(padded.shape[1:3], kernel.shape, strict=False))

    def moved(row: int, column: int):
        return added[:, row : row + height, column : column + width, row, column]

    places = itertools.product(range(kernel.shape[0]), range(kernel.shape[1]))
    return functools.reduce(jnp.add, itertools.starmap(moved, places)).astype(x.dtype)


def _forward(x, kernel, stride: int, pads: Pads, dilation: int):
    return _convolved(x, kernel, stride, pads, dilation), (x, kernel)


def _backward(stride: int, pads: Pads, dilation: int, residuals, cotangent):
    x, kernel = residuals
    how = stride, pads, dilation
    of_input = _input_gradient(x.shape, *how, kernel, cotangent)
    # XLA drops it where only the gradient with respect to the images is asked for.
    return of_input, kernel_gradient(*how, x, kernel, cotangent)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _in_gradient(x, kernel, stride: int, pads: Pads, dilation: int):
    return convolved(x, kernel, stride, pads, dilation)


dense.defvjp(_forward, _backward)
_in_gradient.defvjp(_forward, _backward)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _input_gradient(
    shape: tuple[int, ...], stride: int, pads: Pads, dilation: int, kernel, cotangent
):
    def native(kernel, cotangent):
        blank = jnp.zeros(shape, cotangent.dtype)
        _, backward = jax.vjp(lambda x: convolved(x, kernel, stride, pads, dilation), blank)
        return backward(cotangent)[0]

    # Some phases are seen by no tap; or the taps of a phase are not those beside each other.
    if stride > min(kernel.shape[:2]) or (stride > 1 and dilation > 1):
        return native(kernel, cotangent)

    def on_cpu(kernel, cotangent):
        if stride == dilation == 1 and heavy_conv.is_heavy(shape[1:3], kernel.shape):
            return heavy_conv.input_gradient(kernel, cotangent, shape[1:3], pads)
        if shape[-1] <= _OF_PICTURES and dilation == 1:
            return _at_once(kernel, cotangent, shape, stride, pads)
        return _by_phases(kernel, cotangent, shape, stride, pads, dilation)

    return jax.lax.platform_dependent(kernel, cotangent, cpu=on_cpu, default=native)


def transposed(x: Activations, kernel: Kernel) -> Strided:
    """Transposed convolution of ``[b h w i]`` to twice the size, ``[b 2h 2w o]``.

    PyTorch's ConvTranspose2d with a stride of 2 and a padding of ``(side - 1) // 2``. On CPUs the
    gradient of XLA's with respect to the kernel takes fifty times as long as this one's.

    Args:
        x: activations.
        kernel: weights ``[side side i o]``.
    """

    def native(x, kernel):
        pads = [(side // 2, side - side // 2) for side in kernel.shape[:2]]
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), pads, lhs_dilation=(2, 2), dimension_numbers=LAYOUT
        )

    return jax.lax.platform_dependent(x, kernel, cpu=_transposed, default=native)


def _transposed(x, kernel):
    """It is the gradient of a convolution with the flipped kernel with respect to its input."""
    rows, columns = ((side - 1) // 2 for side in kernel.shape[:2])
    shape = x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[3]
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    return _by_phases(flipped, x, shape, 2, ((rows, rows), (columns, columns)))


# Pixel `stride * c + phase` of an axis lies under tap `tap + stride * d` of output `c + shift - d`.


def _phases(stride: int, pad: tuple[int, int]) -> list[tuple[int, int]]:
    """``(tap, shift)`` of each phase of an axis."""
    return [((phase + pad[0]) % stride, (phase + pad[0]) // stride) for phase in range(stride)]


def _grid(one: Callable, stride: int, pads: Pads) -> list[list]:
    """`one` of each phase of the rows and of the columns."""
    rows, columns = (_phases(stride, pad) for pad in pads)
    return [[one(row, column) for column in columns] for row in rows]


def _by_phases(
    kernel, cotangent, shape: tuple[int, ...], stride: int, pads: Pads, dilation: int = 1
):
    """One convolution a phase, over the taps that see it; with a dilation there is one phase."""
    cells = [-(-n // stride) for n in shape[1:3]]

    def one(rows, columns):
        taps = kernel[rows[0] :: stride, columns[0] :: stride][::-1, ::-1].swapaxes(2, 3)
        # Or XLA would leave flip and transposition to the convolution again.
        taps = jax.lax.optimization_barrier(taps)

        def around(axis: int, shift: int) -> tuple[int, int]:
            reach = dilation * (taps.shape[axis] - 1)
            return reach - shift, cells[axis] - cotangent.shape[1 + axis] + shift

        # It has fast gradients itself, which `transposed` needs.
        pads = around(0, rows[1]), around(1, columns[1])
        return _in_gradient(cotangent, taps, 1, pads, dilation)

    grid = _grid(one, stride, pads)
    if stride == 1:
        return grid[0][0]
    stacked = jnp.stack([jnp.stack(row, axis=3) for row in grid], axis=2)  # [b cy s cx s i]
    return _interleaved(stacked, shape)


def _at_once(kernel, cotangent, shape: tuple[int, ...], stride: int, pads: Pads):
    """All phases as channels of one convolution, its window as large as they see together."""
    cells = [-(-n // stride) for n in shape[1:3]]
    seen = [
        [(shift - len(range(tap, side, stride)) + 1, shift) for tap, shift in _phases(stride, pad)]
        for side, pad in zip(kernel.shape, pads, strict=False)
    ]  # first and last output that each phase sees, an axis
    first, last = ([end(of[i] for of in axis) for axis in seen] for i, end in ((0, min), (1, max)))

    def one(rows, columns):
        taps = kernel[rows[0] :: stride, columns[0] :: stride][::-1, ::-1].swapaxes(2, 3)
        after = [n - shift for n, shift in zip(last, (rows[1], columns[1]), strict=True)]
        full = [high - low + 1 for low, high in zip(first, last, strict=True)]
        before = [n - m - k for n, m, k in zip(full, taps.shape, after, strict=False)]
        return jnp.pad(taps, (*zip(before, after, strict=True), (0, 0), (0, 0)))

    grid = jnp.stack([jnp.stack(row, axis=3) for row in _grid(one, stride, pads)], axis=3)
    taps = jax.lax.optimization_barrier(grid.reshape(*grid.shape[:3], -1))  # [kh kw o s*s*i]
    down, right = (
        (-low, n - m + high)
        for low, high, n, m in zip(first, last, cells, cotangent.shape[1:3], strict=True)
    )
    phases = convolved(cotangent, taps, 1, (down, right), 1)
    phases = phases.reshape(*phases.shape[:3], stride, stride, shape[3]).transpose(0, 1, 3, 2, 4, 5)
    return _interleaved(phases, shape)


def _interleaved(phases, shape: tuple[int, ...]):
    """``[b cy s cx s i] -> [b h w i]``."""
    batch, down, stride, right, _, inputs = phases.shape
    full = phases.reshape(batch, down * stride, right * stride, inputs)
    return full[:, : shape[1], : shape[2]]
