"""A small autoencoder: a picture as a few dozen numbers, and a picture of them again."""

import dataclasses
import functools
from typing import Annotated, Any

import jax
from flax import linen

from xai_jax.core.domains import Count, NotEmpty
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images
from xai_jax.nn.unet import conv

# Slopes below 0, too: of pictures that are mostly black a network of ReLUs may draw black for good.
_active = functools.partial(jax.nn.leaky_relu, negative_slope=0.2)
_GLOROT = linen.initializers.glorot_uniform()


class Network(linen.Module):
    """Convolutions that halve the sides, one dense layer either way, and the same back.

    Fields:
        widths: channels at each resolution below that of the picture, from the finest on.
        code: numbers of a picture.
        channels: of the pictures that it draws; of one channel, the mean of the colours.
        size: sides of the pictures, height and width.
    """

    widths: tuple[int, ...]
    code: int
    channels: int
    size: tuple[int, int]

    def setup(self) -> None:
        """The layers of both halves."""
        stride = 2 ** len(self.widths)
        self._grid = self.size[0] // stride, self.size[1] // stride
        self.down = [conv(width, 3, f"down{i}", stride=2) for i, width in enumerate(self.widths)]
        self.into = linen.Dense(self.code, kernel_init=_GLOROT)
        self.out = linen.Dense(self._grid[0] * self._grid[1] * self.widths[-1], kernel_init=_GLOROT)
        self.up = [conv(width, 3, f"up{i}") for i, width in enumerate(self.widths)]
        self.pixels = conv(self.channels, 3, "pixels")

    def encode(self, images: Images) -> AnyArray:
        """``[b h w 3]`` (or of `channels`), unit pixels -> ``[b code]``, unbounded."""
        x = images.mean(axis=-1, keepdims=True) if self.channels == 1 else images
        for layer in self.down:
            x = _active(layer(x))
        return self.into(x.reshape(len(x), -1))

    def decode(self, codes: AnyArray) -> AnyArray:
        """``[b code]`` -> ``[b h w channels]``, unit pixels, which may go beyond [0, 1].

        A sigmoid would keep them inside; where pictures are mostly black it draws black for good.
        """
        x = _active(self.out(codes))
        x = x.reshape(len(x), *self._grid, self.widths[-1])
        for layer in reversed(self.up):
            x = _active(layer(x.repeat(2, axis=1).repeat(2, axis=2)))
        return self.pixels(x)

    def __call__(self, images: Images) -> AnyArray:
        """The picture as its code has it."""
        return self.decode(self.encode(images))


@dataclasses.dataclass(slots=True, kw_only=True)
class Autoencoder(Settings):
    """Settings of the network.

    Attributes:
        widths: channels at a half, a quarter ... of the resolution.
        code: numbers of a picture.
        channels: of the pictures it draws: 1 is grey, whatever the pictures that it is shown.
    """

    widths: Annotated[tuple[Count, ...], NotEmpty()] = (32, 64)
    code: Count = 32
    channels: Count = 1

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses pictures ``[b h w c]`` of other sides or channels.

        Raises:
            ValueError: with what to set.
        """
        _, height, width, channels = shape
        stride = 2 ** len(self.widths)
        if height % stride or width % stride:
            raise ValueError(
                f"The pictures are {height} x {width}; set data.resize to multiples of {stride}, "
                "or take fewer network.widths."
            )
        if self.channels not in (1, channels):
            raise ValueError(
                f"network.channels is {self.channels} and the pictures have {channels}; set it to "
                f"1 or {channels}."
            )

    def build(self, size: tuple[int, ...]) -> Any:
        """The `Network` for pictures of that height and width: a linen module of unit pixels."""
        height, width = size
        return Network(
            widths=tuple(self.widths),
            code=self.code,
            channels=self.channels,
            size=(height, width),
        )
