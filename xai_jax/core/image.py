"""Image operations as exact linear maps: each is one matrix for the rows and one for the columns.

A blur, a resize or a box sum along one axis of 224 pixels is a matrix of at most 224 x 224 numbers,
computed once in NumPy with the padding folded in. Applying it is two matrix products, which every
backend does fast and differentiates exactly.
"""

import functools
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xai_jax.core.domains import NotNegative
from xai_jax.core.settings import coerced
from xai_jax.core.types import Images

Padding = Literal["reflect", "symmetric", "zero"]
Resized = Float[Array, "b y x c"]


def separable(images: Images, rows: np.ndarray, columns: np.ndarray) -> Resized:
    """``[b h w c]`` -> ``[b h' w' c]`` by ``rows [h' h]`` and ``columns [w' w]``, in float32."""
    tall = jnp.einsum("yh,bhwc->bywc", rows, images, precision=jax.lax.Precision.HIGHEST)
    return jnp.einsum("xw,bywc->byxc", columns, tall, precision=jax.lax.Precision.HIGHEST)


def gaussian_blur(
    images: Images, sigma: float, *, padding: Padding = "reflect", radius: int | None = None
) -> Images:
    """Normalised Gaussian blur of ``[b h w c]``; `sigma` in pixels.

    Args:
        images: any range.
        sigma: standard deviation in pixels; 0 returns the images.
        padding: "reflect" mirrors without repeating the border pixel (OpenCV's default),
            "symmetric" repeats it (SciPy's); "zero" darkens borders.
        radius: half-width of the kernel; by default ``ceil(4 sigma)``.

    Raises:
        ValueError: `sigma` is below 0 or not finite, or there is no such padding.
    """
    sigma = coerced(NotNegative, sigma, "gaussian_blur: sigma")
    padding = coerced(Padding, padding, "gaussian_blur: padding")
    if sigma == 0:
        return images
    radius = int(np.ceil(4 * sigma)) if radius is None else radius
    _, height, width, _ = images.shape
    return separable(
        images,
        _blur_matrix(height, sigma, radius, padding),
        _blur_matrix(width, sigma, radius, padding),
    )


def small_kernel_blur(images: Images) -> Images:
    """Correlation of ``[b h w c]`` with an 11 x 11 kernel, zero beyond the border.

    The kernel is a one in the middle of 11 x 11 zeros after a Gaussian blur of 5 pixels that
    mirrors at its border ("symmetric"): RISE's, whose border is brighter than a cut Gaussian's.
    """
    _, height, width, _ = images.shape
    taps = _blur_matrix(11, 5.0, 20, "symmetric")[:, 5].astype(np.float64)
    return separable(images, _band(height, taps, "zero"), _band(width, taps, "zero"))


def box_sum(images: Images, side: int) -> Images:
    """Sum over a `side` x `side` window (odd) around each pixel, zero beyond the border."""
    _, height, width, _ = images.shape
    taps = np.ones(side)
    return separable(images, _band(height, taps, "zero"), _band(width, taps, "zero"))


def resize(images: Images, height: int, width: int) -> Resized:
    """Bilinear, pixel centres at half-integers (torch's ``align_corners=False``)."""
    _, h, w, _ = images.shape
    return separable(images, _half_pixel_matrix(height, h), _half_pixel_matrix(width, w))


def resize_align_corners(images: Images, height: int, width: int) -> Resized:
    """Bilinear with the corner pixels on each other (torch's ``align_corners=True``)."""
    _, h, w, _ = images.shape
    return separable(images, _align_corners_matrix(height, h), _align_corners_matrix(width, w))


@functools.lru_cache(maxsize=64)
def _blur_matrix(
    size: int, sigma: float, radius: int, padding: Padding
) -> Float[np.ndarray, "n n"]:
    offsets = np.arange(-radius, radius + 1)
    taps = np.exp(-0.5 * (offsets / sigma) ** 2)
    return _band(size, taps / taps.sum(), padding)


def _band(size: int, taps: np.ndarray, padding: Padding) -> Float[np.ndarray, "n n"]:
    """Matrix of a correlation with `taps` (odd length), the padding folded in."""
    radius = len(taps) // 2
    matrix = np.zeros((size, size))
    rows = np.arange(size)
    for offset, tap in zip(range(-radius, radius + 1), taps, strict=True):
        source = rows + offset
        if padding == "reflect":
            period = max(2 * (size - 1), 1)
            source = np.abs((source + size - 1) % period - (size - 1)) if size > 1 else 0 * source
            np.add.at(matrix, (rows, source), tap)
        elif padding == "symmetric":
            source = source % (2 * size)
            np.add.at(matrix, (rows, np.minimum(source, 2 * size - 1 - source)), tap)
        else:
            inside = (source >= 0) & (source < size)
            matrix[rows[inside], source[inside]] += tap
    return matrix.astype(np.float32)


def _linear_matrix(out: int, size: int, source: np.ndarray) -> Float[np.ndarray, "m n"]:
    source = np.clip(source, 0, size - 1)
    low = np.minimum(np.floor(source).astype(int), max(size - 2, 0))
    fraction = source - low
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out), low), 1 - fraction)
    np.add.at(matrix, (np.arange(out), np.minimum(low + 1, size - 1)), fraction)
    return matrix.astype(np.float32)


@functools.lru_cache(maxsize=64)
def _half_pixel_matrix(out: int, size: int) -> Float[np.ndarray, "m n"]:
    return _linear_matrix(out, size, (np.arange(out) + 0.5) * size / out - 0.5)


@functools.lru_cache(maxsize=64)
def _align_corners_matrix(out: int, size: int) -> Float[np.ndarray, "m n"]:
    return _linear_matrix(out, size, np.linspace(0, size - 1, out))


def bounded(maps: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """What is in [0, 1] but for rounding, held there; the slope is 1 throughout.

    `jnp.clip` halves it at both ends, which is where masks start.
    """
    return maps + jax.lax.stop_gradient(jnp.clip(maps, 0.0, 1.0) - maps)


@jax.custom_vjp
def held_in_unit(drawn: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """What a network draws, cut off at 0 and 1, with the slope 1 where that is of use.

    Beyond the range a gradient counts where a step against it leads back, and there alone. With
    `jnp.clip`, whose slope is 0 there, a network that has once drawn black everywhere stays black.
    """
    return jnp.clip(drawn, 0.0, 1.0)


def _held(drawn: Array) -> tuple[Array, Array]:
    return held_in_unit(drawn), drawn


def _leading_back(drawn: Array, cotangent: Array) -> tuple[Array]:
    leads_out = ((drawn < 0) & (cotangent > 0)) | ((drawn > 1) & (cotangent < 0))
    return (jnp.where(leads_out, 0.0, cotangent).astype(cotangent.dtype),)


held_in_unit.defvjp(_held, _leading_back)


def unit_range(maps: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """Each map stretched to [0, 1] by its own extremes; a flat map becomes 0. For display only.

    A map is flat where its spread is no normal number (of float32, below 1.2e-38).
    """
    limits = jnp.finfo(maps.dtype)
    # Wider than this, neither the spread nor one over it would be a normal number.
    bounded = jnp.clip(maps, -limits.max / 8, limits.max / 8)
    low = bounded.min(axis=(1, 2, 3), keepdims=True)
    spread = bounded.max(axis=(1, 2, 3), keepdims=True) - low
    is_flat = spread < limits.tiny
    stretched = jnp.where(is_flat, 0.0, (bounded - low) / jnp.where(is_flat, 1.0, spread))
    return jnp.clip(stretched, 0.0, 1.0)  # a division may round to above 1
