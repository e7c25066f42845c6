"""A variational autoencoder whose code also decides: what counterfactuals are judged by.

Specs: generative, sec. 4.4. Only what tells the two sides apart survives in its code, whose means
are the features of the authors' Frechet distances.
"""

import dataclasses
from typing import Annotated, Any

import jax
from flax import linen

from xai_jax.core.conv import same_pads
from xai_jax.core.domains import Count, Interval, NotEmpty
from xai_jax.core.image import held_in_unit
from xai_jax.core.settings import Settings
from xai_jax.core.types import AnyArray, Images, PerExample
from xai_jax.nn.unet import conv
from xai_jax.nn.vae import Code, drawn

_GLOROT = linen.initializers.glorot_uniform()
_HIDDEN = 64  # of the classifier of codes


def _dense(features: int, name: str) -> linen.Dense:
    return linen.Dense(features, kernel_init=_GLOROT, name=name)


class Network(linen.Module):
    """The encoder, the decoder and the classifier of codes.

    Fields:
        widths: channels at each resolution, from that of the picture on.
        code: numbers of a picture.
        size: sides of the pictures, height and width.
    """

    widths: tuple[int, ...]
    code: int
    size: tuple[int, int]

    @linen.compact
    def __call__(
        self, images: Images, noise: AnyArray | None = None
    ) -> tuple[Code, AnyArray, PerExample]:
        """The code, the grey picture ``[b h w 1]`` of one draw of it, and the logit of its mean.

        Args:
            images: unit pixels, seen in grey; sides are multiples of ``2 ** (len(widths) - 1)``.
            noise: standard normal, ``[b code]``; ``None``: the mean is drawn.
        """
        code = self._code(images.mean(axis=-1, keepdims=True))
        hidden = jax.nn.relu(_dense(_HIDDEN, "hidden")(code.mean))
        logit = _dense(1, "logit")(hidden)[:, 0]
        return code, self._picture(drawn(code, noise)), logit

    def _code(self, x: AnyArray) -> Code:
        x = conv(self.widths[0], 3, "near")(jax.nn.relu(x))
        for level, width in enumerate(self.widths[1:], 1):
            pads = same_pads((x.shape[1], x.shape[2]), 3, 2)
            half = conv(width, 3, f"half{level}", stride=2, pads=pads)(jax.nn.relu(x))
            x = half
            for i in range(2):
                x = conv(width, 3, f"down{level}_{i}")(jax.nn.relu(x))
            x += half
        pooled = x.mean(axis=(1, 2))
        return Code(_dense(self.code, "mean")(pooled), _dense(self.code, "log_variance")(pooled))

    def _picture(self, code: AnyArray) -> AnyArray:
        levels = len(self.widths) - 1
        height, width = (side // 2**levels for side in self.size)
        x = jax.nn.relu(_dense(height * width, "grid")(code)).reshape(-1, height, width, 1)
        x = jax.nn.relu(conv(self.widths[-1], 3, "up")(x))
        for level in reversed(range(levels)):
            x = jax.nn.relu(conv(self.widths[level], 3, f"up{level}")(x))
            x = jax.nn.relu(_twice(self.widths[level], f"twice{level}")(x))
        return held_in_unit(conv(1, 1, "pixels")(x))


def _twice(features: int, name: str) -> linen.ConvTranspose:
    return linen.ConvTranspose(features, (3, 3), (2, 2), kernel_init=_GLOROT, name=name)


@dataclasses.dataclass(slots=True, kw_only=True)
class JudgingVae(Settings):
    """Settings of the network; the defaults are those of the authors' on MNIST.

    Attributes:
        widths: channels at each resolution, from that of the picture on.
        code: numbers of a picture.
    """

    widths: Annotated[tuple[Count, ...], NotEmpty()] = (16, 32, 64)
    code: Annotated[int, Interval(2)] = 100

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses pictures ``[b h w c]`` of other sides.

        Raises:
            ValueError: with what to set.
        """
        stride = 2 ** (len(self.widths) - 1)
        if shape[1] % stride or shape[2] % stride:
            raise ValueError(
                f"The pictures are {shape[1]} x {shape[2]}; set data.resize to multiples of "
                f"{stride}, or take fewer network.widths."
            )

    def build(self, size: tuple[int, ...]) -> Any:
        """The `Network` for pictures of that height and width."""
        height, width = size
        return Network(widths=tuple(self.widths), code=self.code, size=(height, width))
