"""A variational autoencoder that fills holes: the one of FIDO, and its variant for MNIST.

Layout after Iizuka, Simo-Serra, Ishikawa, "Globally and Locally Consistent Image Completion", TOG
2017. Every convolution but the last of each half is followed by a ReLU and then by batch norm.
Pixels are scaled to about -2 ... 2 around grey; what is removed is 0 there.
"""

import dataclasses
import enum
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core.domains import Interval
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, Maps, PerExample
from xai_jax.nn.layers import BatchNorm, Conv, InTraining, Up

MIDDLE, SPREAD = 0.5, 0.25  # of the pixels of photographs
STRIDE = 4  # the sides of a picture are padded to multiples of it
_LARGEST_LOG_VARIANCE = 10.0  # nats, either way; nothing bounds the published one


class Code(NamedTuple):
    """A normal distribution of each number, as its mean and the logarithm of its variance."""

    mean: AnyArray
    log_variance: AnyArray


def scaled(images: Images) -> Images:
    """Unit pixels as the network has them."""
    return (images - MIDDLE) / SPREAD


def unscaled(numbers: Images) -> Images:
    """What `scaled` undoes, within the range of pixels."""
    return jnp.clip(MIDDLE + SPREAD * numbers, 0.0, 1.0)


def _halves(x: AnyArray) -> Code:
    mean, log_variance = jnp.split(x, 2, axis=-1)
    bound = _LARGEST_LOG_VARIANCE
    return Code(mean, jnp.clip(log_variance, -bound, bound))


class _Layers(linen.Module):
    """Convolutions with ReLU and batch norm behind each."""

    def then(self, x: AnyArray, layer: linen.Module, training: InTraining | None) -> AnyArray:
        """One of them."""
        return BatchNorm(name=f"{layer.name}_norm")(jax.nn.relu(layer(x)), training)


class Encoder(_Layers):
    """``[b h w c], [b h w 1] -> Code`` of ``[b h/4 w/4 4 width]``.

    Fields:
        width: channels of the first layer.
    """

    width: int

    @linen.compact
    def __call__(self, numbers: Images, keep: Maps, training: InTraining | None = None) -> Code:
        """The code of what is kept of scaled pictures."""
        x = jnp.concatenate([numbers * keep, 1.0 - keep], axis=-1)
        plan = [(1, 5, 1, 1), (2, 3, 2, 1), (2, 3, 1, 1), (4, 3, 2, 1), (4, 3, 1, 1), (4, 3, 1, 1)]
        plan += [(4, 3, 1, dilation) for dilation in (2, 4, 8, 16)]
        for i, (times, kernel, stride, dilation) in enumerate(plan):
            layer = Conv(
                times * self.width,
                kernel=kernel,
                stride=stride,
                dilation=dilation,
                use_bias=True,
                name=f"conv{i}",
            )
            x = self.then(x, layer, training)
        return _halves(Conv(8 * self.width, kernel=3, use_bias=True, name="code")(x))


class Decoder(_Layers):
    """``[b y x n] -> Code`` of ``[b 4y 4x c]`` in scaled pixels.

    Fields:
        width: as the encoder's.
        channels: of the pictures.
    """

    width: int
    channels: int

    @linen.compact
    def __call__(self, code: AnyArray, training: InTraining | None = None) -> Code:
        """The distribution of the pixels."""
        x = code
        plan = [(4, False), (4, False), (2, True), (2, False), (1, True), (0.5, False)]
        for i, (times, doubles) in enumerate(plan):
            features = int(times * self.width)
            if doubles:
                layer: linen.Module = Up(features, name=f"up{i}")
            else:
                layer = Conv(features, kernel=3, use_bias=True, name=f"conv{i}")
            x = self.then(x, layer, training)
        return _halves(Conv(2 * self.channels, kernel=3, use_bias=True, name="pixels")(x))


class Vae(linen.Module):
    """FIDO's VAE: 7.25 million parameters at a width of 64 (specs: FIDO, sec. 3.1).

    Fields:
        width: channels of the first layer.
        channels: of the pictures.
    """

    width: int
    channels: int

    def setup(self) -> None:
        """Both halves."""
        self.encoder = Encoder(self.width)
        self.decoder = Decoder(self.width, self.channels)

    def __call__(
        self,
        images: Images,
        keep: Maps,
        noise: AnyArray | None = None,
        training: InTraining | None = None,
    ) -> tuple[Code, Code]:
        """The code of the kept pixels, and the pixels given one draw of it.

        Args:
            images: unit pixels, sides divided by `STRIDE`; what is removed is not looked at.
            keep: 1 = known.
            noise: standard normal, as large as the code; ``None``: its mean is taken.
            training: ``None`` where it is used.
        """
        code = self.encoder(scaled(images), keep, training)
        return code, self.decoder(drawn(code, noise), training)


class DigitVae(linen.Module):
    """The variant for MNIST: three layers either way, a code of 8 channels, no batch norm.

    Fields:
        width: channels of the layers, 8 in FIDO.
        channels: of the pictures.
    """

    width: int
    channels: int

    @linen.compact
    def __call__(
        self,
        images: Images,
        keep: Maps,
        noise: AnyArray | None = None,
        training: InTraining | None = None,
    ) -> tuple[Code, Code]:
        """As `Vae`, but the mean of the pixels are logits, and their variance is 1."""
        del training

        def conv(x, features, name, **how):
            return Conv(features, kernel=3, use_bias=True, name=name, **how)(x)

        x = jnp.concatenate([images * keep, 1.0 - keep], axis=-1)
        x = jax.nn.relu(conv(x, self.width, "conv0", stride=2))
        x = jax.nn.relu(conv(x, self.width, "conv1", stride=2))
        code = _halves(conv(x, 2 * self.width, "code", dilation=2))
        x = jax.nn.relu(conv(drawn(code, noise), self.width, "conv2"))
        x = jax.nn.relu(Up(self.width, name="up3")(x))
        logits = Up(self.channels, name="up4")(x)
        return code, Code(logits, jnp.zeros_like(logits))


def drawn(code: Code, noise: AnyArray | None) -> AnyArray:
    """One draw of a code; its mean without noise."""
    if noise is None:
        return code.mean
    return code.mean + jnp.exp(0.5 * code.log_variance) * noise


def divergence(code: Code) -> PerExample:
    """``KL(N(mean, variance) || N(0, 1))`` summed over the code (Kingma & Welling 2014, app. B)."""
    each = jnp.exp(code.log_variance) + jnp.square(code.mean) - 1.0 - code.log_variance
    summed: PerExample = 0.5 * each.reshape(len(each), -1).sum(axis=1)
    return summed


class Pictures(enum.Enum):
    """What is filled."""

    PHOTOGRAPHS = "photographs"  # three channels
    DIGITS = "digits"  # one channel, nearly black or white: MNIST


def unit_pixels(mean: Images, pictures: Pictures) -> Images:
    """Of the mean of the pixels that a network answers."""
    return jax.nn.sigmoid(mean) if pictures is Pictures.DIGITS else unscaled(mean)


@dataclasses.dataclass(slots=True, kw_only=True)
class Network(Settings):
    """Settings of the network.

    Attributes:
        width: channels of the first layer; FIDO has 64, and 8 for digits.
        pictures: which of the two networks.
    """

    width: Annotated[int, Interval(2)] = 64
    pictures: Pictures = Pictures.PHOTOGRAPHS

    @property
    def channels(self) -> int:
        """Of the pictures."""
        return 1 if self.pictures is Pictures.DIGITS else 3

    @property
    def code_channels(self) -> int:
        """Of the code, which stands at a quarter of the resolution."""
        return self.width * (1 if self.pictures is Pictures.DIGITS else 4)

    def build(self) -> Any:
        """The `Vae` or `DigitVae`: ``(images, keep, noise, training) -> (code, pixels)``."""
        kind = DigitVae if self.pictures is Pictures.DIGITS else Vae
        return kind(width=self.width, channels=self.channels)
