"""SEAN's encoder: a style code of every region of a picture.

Zhu, Abdal, Qin, Wonka, "SEAN: Image Synthesis with Semantic Region-Adaptive Normalization", CVPR
2020, as in STEEX (specs: steex, sec. 1.3).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float

from xai_jax.core.dense_conv import transposed
from xai_jax.core.types import AnyArray
from xai_jax.nn.layers import Conv, zero_bias
from xai_jax.nn.region_norm import Codes, OneHot, xavier

SLOPE = 0.2  # of leaky ReLU
STRIDE = 2  # of the finest map by which styles are read and drawn
SHRINKS = 4  # times, before the styles are made at half the size
_INSIDE, _AROUND = ((0, 0), (0, 0)), ((1, 1), (1, 1))

Pixels = Float[Array, "b h w 3"]  # in [-1, 1]


def instance_norm(x: AnyArray) -> AnyArray:
    """Each channel of each picture with mean 0 and variance 1."""
    mean = x.mean(axis=(1, 2), keepdims=True)
    var = jnp.square(x - mean).mean(axis=(1, 2), keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-5)


def conv(features: int, kernel: int, gain: float, **how: Any) -> Any:
    """A convolution with Xavier's kernels and a bias of 0."""
    own: dict[str, Any] = {"kernel_init": xavier(gain), "bias_init": zero_bias, "use_bias": True}
    return Conv(features, kernel, **(own | how))


class Encoder(linen.Module):
    """A style code of every region; 1,568,576 parameters as published.

    Fields:
        width: channels of the first layer.
        style: length of a code.
        gain: of its fresh kernels.
    """

    width: int
    style: int
    gain: float

    @linen.compact
    def __call__(self, pixels: Pixels, one_hot: OneHot) -> Codes:
        """``[b n style]`` in (-1, 1); 0 for a region without a pixel at half the size."""
        x = self._normed(
            conv(self.width, 3, self.gain, pads=_INSIDE, name="conv0")(_reflected(pixels))
        )
        for i in (1, 2):
            half = conv(2**i * self.width, 3, self.gain, stride=2, pads=_AROUND, name=f"conv{i}")
            x = self._normed(half(x))
        x = self._normed(_Doubled(8 * self.width, self.gain, name="doubled")(x))
        x = jnp.tanh(conv(self.style, 3, self.gain, pads=_INSIDE, name="styles")(_reflected(x)))
        where = one_hot[:, ::STRIDE, ::STRIDE]
        total = jnp.einsum("bhwd,bhwn->bnd", x, where)
        return total / jnp.maximum(where.sum((1, 2)), 1.0)[..., None]

    def _normed(self, x: AnyArray) -> AnyArray:
        return jax.nn.leaky_relu(instance_norm(x), SLOPE)


def _reflected(x: AnyArray) -> AnyArray:
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")


class _Doubled(linen.Module):
    """Transposed 3 x 3 convolution to twice the size, as PyTorch's with both paddings 1."""

    features: int
    gain: float

    @linen.compact
    def __call__(self, x: AnyArray) -> AnyArray:
        kernel = self.param("kernel", xavier(self.gain), (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", linen.initializers.zeros, (self.features,))
        return bias + transposed(x, kernel)
