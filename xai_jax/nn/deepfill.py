"""DeepFill: a coarse guess, then contextual attention beside convolutions; and what criticises it.

Yu et al., "Generative Image Inpainting with Contextual Attention", CVPR 2018 (specs: FIDO, sec.
3.2). Convolutions with ELU and TensorFlow's "SAME" padding, pixels in [-1, 1].
"""

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen
from jaxtyping import Array, Float

from xai_jax.core.conv import same_pads
from xai_jax.core.dense_conv import dense
from xai_jax.core.domains import Interval
from xai_jax.core.push_pull import push_pull
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, Maps, PerExample
from xai_jax.nn.contextual_attention import contextual_attention, resized
from xai_jax.nn.layers import Conv
from xai_jax.nn.spectral import spectral_norm

STRIDE = 8  # the sides of a picture are padded to multiples of it
_DILATED = ((4, 3, 1, 2), (4, 3, 1, 4), (4, 3, 1, 8), (4, 3, 1, 16))
# Channels in units of the width, kernel, stride, dilation.
_DOWN = ((1, 5, 1, 1), (2, 3, 2, 1), (2, 3, 1, 1), (4, 3, 2, 1), (4, 3, 1, 1), (4, 3, 1, 1))
_COARSE = (*_DOWN, *_DILATED, (4, 3, 1, 1), (4, 3, 1, 1))
_CONVOLVED = ((1, 5, 1, 1), (1, 3, 2, 1), (2, 3, 1, 1), (2, 3, 2, 1), *_DOWN[4:], *_DILATED)
_ATTENDED = ((1, 5, 1, 1), (1, 3, 2, 1), (2, 3, 1, 1), (4, 3, 2, 1), (4, 3, 1, 1))
_AT_ONCE = 2**20  # scores of a place and a patch: all of one picture of 256 pixels

Pixels = Float[Array, "b h w c"]  # in [-1, 1]


class Filled(NamedTuple):
    """Both guesses, whole pictures in [-1, 1], with the network's own known pixels."""

    coarse: Pixels
    fine: Pixels


def scaled(images: Images) -> Pixels:
    """Unit pixels as the network has them."""
    return 2.0 * images - 1.0


def unscaled(pixels: Pixels) -> Images:
    """What `scaled` undoes."""
    return 0.5 * (pixels + 1.0)


class Generator(linen.Module):
    """3,601,542 parameters at a width of 32 with its coarse stage.

    Fields:
        width: channels of the first layer, even.
        coarse: a network makes the first guess; else push-pull does.
    """

    width: int
    coarse: bool

    @linen.compact
    def __call__(self, images: Images, keep: Maps) -> Filled:
        """Both guesses for unit pixels whose sides `STRIDE` divides; 1 in `keep` = known."""
        pixels = scaled(images) * keep
        holes = 1.0 - keep
        about = jnp.concatenate([jnp.ones_like(holes), holes], axis=-1)
        if self.coarse:
            x = self._chain(jnp.concatenate([pixels, about], axis=-1), _COARSE, "coarse")
            coarse = self._up(x, "coarse")
        else:
            coarse = push_pull(pixels, keep, 0.0)
        begun = jnp.concatenate([coarse * holes + pixels, about], axis=-1)
        convolved = self._chain(begun, _CONVOLVED, "convolved")
        x = self._chain(begun, _ATTENDED, "attended")
        x = jax.nn.relu(self._conv(x, 4, "matched"))
        small = resized(holes, *x.shape[1:3])
        x = contextual_attention(x, small, at_once=_AT_ONCE)
        x = self._chain(x, ((4, 3, 1, 1), (4, 3, 1, 1)), "copied")
        both = jnp.concatenate([convolved, x], axis=-1)
        x = self._chain(both, ((4, 3, 1, 1), (4, 3, 1, 1)), "joined")
        return Filled(coarse, self._up(x, "fine"))

    def _conv(self, x, times, name: str, kernel=3, stride=1, dilation=1):
        features = int(times * self.width)
        pads = same_pads((x.shape[1], x.shape[2]), kernel, stride) if stride > 1 else None
        return Conv(
            features,
            kernel,
            stride=stride,
            dilation=dilation,
            pads=pads,
            use_bias=True,
            kernel_init=linen.initializers.glorot_uniform(),  # TensorFlow's default
            name=name,
        )(x)

    def _chain(self, x, plan, name: str):
        for i, (times, kernel, stride, dilation) in enumerate(plan):
            x = jax.nn.elu(self._conv(x, times, f"{name}{i}", kernel, stride, dilation))
        return x

    def _up(self, x, name: str) -> Pixels:
        """To four times the size, and to colours."""
        for i, times in enumerate((2, 1)):
            x = resized(x, 2 * x.shape[1], 2 * x.shape[2])
            x = jax.nn.elu(self._conv(x, times, f"{name}_up{i}"))
            x = jax.nn.elu(self._conv(x, (2, 0.5)[i], f"{name}_near{i}"))
        colours = Conv(3, 3, use_bias=True, name=f"{name}_colours")(x)
        return jnp.clip(colours, -1.0, 1.0)


@dataclasses.dataclass(slots=True, kw_only=True)
class Network(Settings):
    """Settings of the generator; the defaults are the published ones.

    Attributes:
        width: channels of the first layer.
        coarse: a network makes the first guess; else push-pull does.
    """

    width: Annotated[int, Interval(2)] = 32
    coarse: bool = True

    @property
    def channels(self) -> int:
        """Of the pictures."""
        return 3

    def build(self) -> Any:
        """The `Generator`: ``(images, keep) -> Filled``."""
        return Generator(width=self.width, coarse=self.coarse)


class Critic(linen.Module):
    """One number a picture, the higher the more real: 5 x 5 convolutions of stride 2, leaky ReLU.

    Fields:
        widths: channels of each layer.
    """

    widths: tuple[int, ...]

    @linen.compact
    def __call__(self, pixels: Pixels) -> PerExample:
        """For pictures in [-1, 1]."""
        x = pixels
        for i, width in enumerate(self.widths):
            pads = same_pads((x.shape[1], x.shape[2]), 5, 2)
            layer = Conv(width, 5, stride=2, pads=pads, use_bias=True, plain=True, name=f"conv{i}")
            x = jax.nn.leaky_relu(layer(x), 0.2)
        return linen.Dense(1, name="answer")(x.reshape(len(x), -1))[:, 0]


class PatchCritic(linen.Module):
    """One number a patch, at an eighth of the resolution; every kernel of spectral norm 1.

    Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for GANs", ICLR 2018, with as many
    power iterations from the same start at every call as make a memory of the last one needless.

    Fields:
        width: channels of the first layer; doubled twice.
    """

    width: int

    @linen.compact
    def __call__(self, pixels: Pixels, holes: Maps) -> Float[Array, "b y x 1"]:
        """For pictures in [-1, 1] and where they were filled (1)."""
        x = jnp.concatenate([pixels, holes], axis=-1)
        for i in range(3):
            x = jax.nn.leaky_relu(self._conv(x, self.width * 2**i, 2, f"conv{i}"), 0.2)
        return self._conv(x, 1, 1, "answer")

    def _conv(self, x: AnyArray, features: int, stride: int, name: str) -> AnyArray:
        shape = (5, 5, x.shape[-1], features)
        kernel = self.param(f"{name}_kernel", linen.initializers.he_normal(), shape)
        bias = self.param(f"{name}_bias", linen.initializers.zeros, (features,))
        kernel = kernel / spectral_norm(kernel)
        pads = same_pads((x.shape[1], x.shape[2]), 5, stride)
        return bias + dense(x, kernel, stride, pads)
