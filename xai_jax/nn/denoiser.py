"""A small network that takes noise of a known level off pictures, each pixel's level its own.

The level of a pixel is told as a map and both are taken apart into 2 x 2 pixels (Zhang, Zuo, Zhang,
"FFDNet", TIP 2018); what is answered is the noise (Zhang et al., "Beyond a Gaussian Denoiser", TIP
2017), in units of its level.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float

from xai_jax.core.domains import Count
from xai_jax.core.settings import Settings
from xai_jax.core.types import Images, Maps
from xai_jax.nn.layers import Conv

EVEN = linen.initializers.lecun_normal()
HE = linen.initializers.he_normal()  # before a ReLU
SMALL = linen.initializers.variance_scaling(
    0.1, "fan_in", "normal"
)  # what is added to begins small
SPREAD = 0.25  # standard deviation of the pixels of photographs around MIDDLE, unit pixels
MIDDLE = 0.5
START = 0.25  # the level that is told of what push-pull has put into a hole
CELL = 4  # pixels: sides that it does not divide are padded

Cells = Float[Array, "b y x c"]


class Denoiser(linen.Module):
    """Half the resolution at first and last, a quarter of it in between; no norm, 3 x 3.

    Between the residual blocks nothing is cut off, so that what is linear in the answer is learnt
    early.

    Fields:
        width: channels at half the resolution; twice as many at a quarter.
        num_blocks: residual blocks of two convolutions, at each of the three places.
    """

    width: int
    num_blocks: int

    @linen.compact
    def __call__(self, noisy: Images, level: Maps) -> Images:
        """The pictures without their noise: unit pixels, but for what overshoots.

        Args:
            noisy: unit pixels plus normal noise.
            level: its standard deviation at each pixel, unit pixels; 0: the pixel is known, and is
                answered as it is.
        """
        height, width = noisy.shape[1:3]
        pads = ((0, 0), (0, -height % CELL), (0, -width % CELL), (0, 0))
        padded, levels = (jnp.pad(x, pads, mode="edge") for x in (noisy - MIDDLE, level))
        inside = jnp.concatenate([padded, levels], axis=-1) / SPREAD
        clean = padded - levels * pixels(self._noise(cells(inside)))
        return MIDDLE + clean[:, :height, :width]

    def _noise(self, x: Cells) -> Float[Array, "b y x d"]:
        """``[b h/2 w/2 16] -> [b h/2 w/2 12]``, in units of the level."""
        wide = 2 * self.width
        fine = _conv(x, self.width, "first", kernel_init=EVEN)
        fine = self._blocks(fine, "before")
        coarse = _conv(fine, wide, "down", kernel_init=EVEN, stride=2)
        coarse = self._blocks(coarse, "coarse")
        fine = fine + pixels(_conv(coarse, 4 * self.width, "up", kernel_init=SMALL, kernel=1))
        fine = self._blocks(fine, "after")
        return _conv(fine, 12, "last", kernel_init=SMALL)

    def _blocks(self, x: Cells, name: str) -> Cells:
        for i in range(self.num_blocks):
            within = _conv(x, x.shape[-1], f"{name}{i}a", kernel_init=HE)
            x = x + _conv(jax.nn.relu(within), x.shape[-1], f"{name}{i}b", kernel_init=SMALL)
        return x


def _conv(
    x: Cells, features: int, name: str, *, kernel_init: Any, kernel: int = 3, stride: int = 1
) -> Float[Array, "b v u d"]:
    conv = Conv(features, kernel, stride=stride, use_bias=True, kernel_init=kernel_init, name=name)
    return conv(x)


@dataclasses.dataclass(slots=True, kw_only=True)
class Network(Settings):
    """Settings of a `Denoiser`; the defaults have 257,000 parameters.

    Attributes:
        width: channels at half the resolution.
        num_blocks: residual blocks before, at and after a quarter of it.
    """

    width: Count = 32
    num_blocks: Count = 2

    @property
    def channels(self) -> int:
        """Of the pictures."""
        return 3

    def build(self) -> Any:
        """The `Denoiser`."""
        return Denoiser(width=self.width, num_blocks=self.num_blocks)


def cells(x: Cells) -> Float[Array, "b v u d"]:
    """2 x 2 pixels beside each other in the channels: ``[b y x c] -> [b y/2 x/2 4c]``."""
    b, y, x_, c = x.shape
    split = x.reshape(b, y // 2, 2, x_ // 2, 2, c)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(b, y // 2, x_ // 2, 4 * c)


def pixels(x: Cells) -> Float[Array, "b v u d"]:
    """What `cells` put together, apart again: ``[b y x 4c] -> [b 2y 2x c]``."""
    b, y, x_, c = x.shape
    split = x.reshape(b, y, x_, 2, 2, c // 4)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * y, 2 * x_, c // 4)
