"""A small network that takes noise of a known level off pictures, each pixel's level its own.

The level of a pixel is told as a map (Zhang, Zuo, Zhang, "FFDNet", TIP 2018), and input and output
are scaled by it so that the network always answers numbers of about one (Karras, Aittala, Aila,
Laine, "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS 2022, table 1).
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

SPREAD = 0.25  # standard deviation of the pixels of photographs around MIDDLE, unit pixels
MIDDLE = 0.5
START = 0.25  # the level that is told of what push-pull has put into a hole
CELL = 4  # pixels: sides that it does not divide are padded

Cells = Float[Array, "b y x c"]


def trust(level: Maps) -> Maps:
    """How much of a pixel's departure from grey is picture, in (0, 1]: 1 where there is no noise.

    ``SPREAD^2 / (SPREAD^2 + level^2)``, c_skip of Karras et al.
    """
    return SPREAD**2 / (SPREAD**2 + jnp.square(level))


def scale(level: Maps) -> Maps:
    """What the network's answer is multiplied by, c_out of Karras et al.; 0 where no noise is."""
    return level * jnp.sqrt(trust(level))


class Denoiser(linen.Module):
    """Half the resolution at first and last, a quarter of it in between; no norm, 3 x 3, ReLU.

    Fields:
        width: channels at half the resolution; twice as many at a quarter.
        num_blocks: residual blocks of two convolutions at a quarter of the resolution.
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
        shown = trust(levels)
        inside = jnp.concatenate([padded * jnp.sqrt(shown) / SPREAD, shown], axis=-1)
        answer = self._answer(cells(inside))
        clean = shown * padded + scale(levels) * pixels(answer)
        return MIDDLE + clean[:, :height, :width]

    def _answer(self, x: Cells) -> Float[Array, "b y x d"]:
        """``[b h/2 w/2 16] -> [b h/2 w/2 12]``."""
        he = linen.initializers.he_normal()

        def conv(x, features, name, **how):
            return Conv(
                features, use_bias=True, kernel_init=he, name=name, **({"kernel": 3} | how)
            )(x)

        fine = conv(x, self.width, "first")
        fine = fine + conv(jax.nn.relu(fine), self.width, "second")
        coarse = conv(jax.nn.relu(fine), 2 * self.width, "down", stride=2)
        for i in range(self.num_blocks):
            within = conv(jax.nn.relu(coarse), 2 * self.width, f"block{i}a")
            coarse = coarse + conv(jax.nn.relu(within), 2 * self.width, f"block{i}b")
        up = conv(jax.nn.relu(coarse), 4 * self.width, "up", kernel=1)
        fine = fine + pixels(up)
        fine = fine + conv(jax.nn.relu(fine), self.width, "near")
        return conv(jax.nn.relu(fine), 12, "last")


@dataclasses.dataclass(slots=True, kw_only=True)
class Network(Settings):
    """Settings of a `Denoiser`; the defaults have 274,000 parameters.

    Attributes:
        width: channels at half the resolution.
        num_blocks: residual blocks at a quarter of it.
    """

    width: Count = 32
    num_blocks: Count = 3

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
