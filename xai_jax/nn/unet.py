"""The pre-activation residual U-Net of SyCE and CyCE: a picture in, pictures of its size out.

Specs: generative, sec. 4.1. A block is a scale and a shift of each channel, ReLU, and a 3x3
convolution: the authors' batch norm never saw a batch's statistics, and their dropout never ran.
"""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core.domains import Count, Natural, NotEmpty
from xai_jax.core.max_pool import max_pool
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, PRNGKey
from xai_jax.nn.layers import Conv, zero_bias

_EPSILON = 1e-3  # of the authors' batch norm, whose variance is 1 for ever
_FINE = 8  # channels of a pixel, where places are squares
_GLOROT = linen.initializers.glorot_uniform()


class _Affine(linen.Module):
    """A scale and a shift of each channel of ``[b h w c]``."""

    @linen.compact
    def __call__(self, x: AnyArray) -> AnyArray:
        """The same shape."""
        scale = self.param("scale", linen.initializers.ones, (x.shape[-1],))
        bias = self.param("bias", linen.initializers.zeros, (x.shape[-1],))
        return x * (scale / jnp.sqrt(1.0 + _EPSILON)) + bias


def conv(features: int, kernel: int, name: str, init: Any = _GLOROT, **how: Any) -> Conv:
    """A convolution that begins as Keras' do: Glorot-uniform kernel, bias 0; `how` as in `Conv`."""
    how |= {"kernel_init": init, "bias_init": zero_bias, "use_bias": True}
    return Conv(features, kernel, name=name, **how)


def _handed_on(channels: int, times: float = 1.0) -> Any:
    """Of a 3x3 kernel whose first output channels are its first input channels: the picture."""

    def init(key: PRNGKey, shape: tuple[int, ...], dtype: Any = jnp.float32) -> AnyArray:
        kernel = _GLOROT(key, shape, dtype).at[..., :channels].set(0.0)
        one = jnp.eye(channels, dtype=dtype) * times
        return kernel.at[shape[0] // 2, shape[1] // 2, :channels, :channels].set(one)

    return init


def _repeated(channels: int, first: int = 0) -> Any:
    """Of a kernel ``[1 1 c k*channels]`` that repeats channels from `first` on: the picture."""

    def init(key: PRNGKey, shape: tuple[int, ...], dtype: Any = jnp.float32) -> AnyArray:
        del key
        shown = jnp.tile(jnp.eye(channels, dtype=dtype), shape[3] // channels)
        return jnp.zeros(shape, dtype).at[0, 0, first : first + channels].set(shown)

    return init


class Network(linen.Module):
    """204,499 parameters at widths of 16, 32 and 64 with one channel in and out.

    Fields:
        widths: channels at each resolution, from the finest on.
        outputs: pictures that are drawn, side by side in the channels.
        channels: of a picture; of one channel, the mean of its colours.
        stem: side of the squares of pixels that become channels before the first layer, and pixels
            again before the last, which see the picture beside them.
        finest: level at which it draws, 0 for that of the pictures.
        head_widths: channels of convolutions that each output has to itself, with nothing between.
        as_shown: begins by drawing the picture, where it draws at the pictures' size and no layer
            on the way has fewer channels than the picture; else at random.
    """

    widths: tuple[int, ...]
    outputs: int
    channels: int
    stem: int
    finest: int = 0
    head_widths: tuple[int, ...] = ()
    as_shown: bool = True

    @linen.compact
    def __call__(self, images: Images, told: AnyArray | None = None) -> AnyArray:
        """``[b h w 3]`` (or of `channels`) -> ``[b h' w' outputs * channels]``, unbounded.

        Sides are multiples of `UNet.stride`, and the answer's ``2**finest`` times smaller. `told`
        ``[b]`` is a number of each picture that every place hears.
        """
        images = images.mean(axis=-1, keepdims=True) if self.channels == 1 else images
        x = squares_to_channels(images, self.stem)
        if told is not None:
            planes = jnp.broadcast_to(told[:, None, None, None], (*x.shape[:3], 1))
            x = jnp.concatenate([x, planes], axis=-1)
        skips = []
        for level, width in enumerate(self.widths):
            x = self._down(x, level, width)
            skips.append(x)
        for level in reversed(range(self.finest, len(self.widths) - 1)):
            x = self._blocks(x, f"up{level}", self.widths[level], 2)
            x = x.repeat(2, axis=1).repeat(2, axis=2)
            x = jnp.concatenate([skips[level], x], axis=-1)
        if self.head_widths:
            heads = [self._head(x, images, n) for n in range(self.outputs)]
            return jnp.concatenate(heads, axis=-1)
        return self._drawn(x, images, self.outputs * self.channels, "")

    def _head(self, x: AnyArray, images: Images, number: int) -> AnyArray:
        for i, width in enumerate(self.head_widths):
            x = conv(width, 3, f"head{number}_conv{i}", self._first())(x)
        return self._drawn(x, images, self.channels, f"head{number}_")

    def _drawn(self, x: AnyArray, images: Images, outputs: int, name: str) -> AnyArray:
        """So many channels of pixels.

        It begins `as_shown`: what is drawn and drawn again is the picture, too, if
        either drawing is its negative, and training stays with that where it begins near it.
        Squares that are drawn each by itself do not meet: there would be a grid in every picture,
        and a classifier can be turned by a grid. So their pixels are looked at together once more,
        beside the picture.
        """
        if self.stem > 1:
            x = conv(_FINE * self.stem**2, 1, f"{name}squares")(x)
            x = jnp.concatenate([channels_to_squares(x, self.stem), images], axis=-1)
            x = jnp.concatenate([self._blocks(x, f"{name}fine", _FINE, 2), images], axis=-1)
            return conv(outputs, 1, f"{name}pixels", _repeated(self.channels, _FINE))(x)
        init = _repeated(self.channels) if self._begins_as_shown else _GLOROT
        return conv(outputs, 1, f"{name}pixels", init)(x)

    @property
    def _begins_as_shown(self) -> bool:
        """Whether the first two blocks hand the picture on to the last layer, which sees them."""
        narrowest = min((self.widths[0], *self.head_widths))
        at_size = self.stem == 1 and not self.finest
        return self.as_shown and at_size and self.channels <= narrowest

    def _first(self, times: float = 1.0) -> Any:
        return _handed_on(self.channels, times) if self._begins_as_shown else _GLOROT

    def _down(self, x: AnyArray, level: int, width: int) -> AnyArray:
        if level == 0:
            return self._blocks(x, "down0", width, 2, self._first((1.0 + _EPSILON) ** 0.5))
        x = self._blocks(x, f"into{level}", width, 1)
        x = max_pool(x, 2, 2, ((0, 0), (0, 0)))
        return x + self._blocks(x, f"down{level}", width, 3)

    def _blocks(
        self, x: AnyArray, name: str, width: int, num: int, init: Any = _GLOROT
    ) -> AnyArray:
        for i in range(num):
            x = jax.nn.relu(_Affine(name=f"{name}_affine{i}")(x))
            x = conv(width, 3, f"{name}_conv{i}", init)(x)
        return x


def squares_to_channels(x: AnyArray, side: int) -> AnyArray:
    """``[b h w c] -> [b h/side w/side side*side*c]``."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // side, side, w // side, side, c).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h // side, w // side, side * side * c)


def channels_to_squares(x: AnyArray, side: int) -> AnyArray:
    """The inverse of `squares_to_channels`."""
    b, h, w, c = x.shape
    x = x.reshape(b, h, w, side, side, c // side**2).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(b, h * side, w * side, c // side**2)


@dataclasses.dataclass(slots=True, kw_only=True)
class UNet(Settings):
    """Settings of the network; the defaults are those of the authors' on MNIST.

    Attributes:
        widths: channels at each resolution, from the finest on; each next one has half the sides.
        channels: of the pictures it draws: 1 is grey, whatever the pictures that it is shown.
        stem: side of the squares of pixels that are one place for the network; 1 as published, 2
            for a quarter of the time at larger pictures.
        finest: level at which it draws: 0 for that of the pictures, 1 for half of it; of masks.
        head_widths: channels of convolutions that each of several pictures has to itself.
    """

    widths: Annotated[tuple[Count, ...], NotEmpty()] = (16, 32, 64)
    channels: Count = 1
    stem: Count = 1
    finest: Natural = 0
    head_widths: tuple[Count, ...] = ()

    @property
    def stride(self) -> int:
        """What divides the sides of the pictures."""
        return self.stem * 2 ** (len(self.widths) - 1)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses pictures ``[b h w c]`` of other sides or channels.

        Raises:
            ValueError: with what to set.
        """
        _, height, width, channels = shape
        if self.finest >= len(self.widths):
            raise ValueError(
                f"network.finest is {self.finest}, and there are {len(self.widths)} widths; set it "
                "below their number."
            )
        if height % self.stride or width % self.stride:
            raise ValueError(
                f"The pictures are {height} x {width}; set data.resize to multiples of "
                f"{self.stride}, or take fewer network.widths."
            )
        if self.channels not in (1, channels):
            raise ValueError(
                f"network.channels is {self.channels} and the pictures have {channels}; set it to "
                f"1 or {channels}."
            )

    def build(self, outputs: int = 1, as_shown: bool = True) -> Any:
        """The `Network` that draws so many pictures (or maps): a linen module of unit pixels."""
        return Network(
            widths=tuple(self.widths),
            outputs=outputs,
            channels=self.channels,
            stem=self.stem,
            finest=self.finest,
            head_widths=tuple(self.head_widths),
            as_shown=as_shown,
        )
