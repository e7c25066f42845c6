"""The discriminator of SyCE and CyCE: one logit a picture, the higher the more real.

Specs: generative, sec. 4.2. Leaky ReLU of slope 0.3 in front of every 3x3 convolution, of which
every second one halves the sides; no norm.
"""

import dataclasses
from typing import Annotated, Any

import jax
from flax import linen

from xai_jax.core.conv import same_pads
from xai_jax.core.domains import Count, NotEmpty
from xai_jax.core.settings import Settings
from xai_jax.core.types import Images, PerExample
from xai_jax.nn.unet import conv, squares_to_channels

_SLOPE = 0.3


class Network(linen.Module):
    """204,961 parameters for grey pictures of 28 x 28.

    Fields:
        widths: channels of each stage of two convolutions.
        stem: side of the squares of pixels that become channels before the first layer.
    """

    widths: tuple[int, ...]
    stem: int

    @linen.compact
    def __call__(self, images: Images) -> PerExample:
        """Logits ``[b]`` of ``[b h w c]`` unit pixels."""
        x = squares_to_channels(images, self.stem)
        for stage, width in enumerate(self.widths):
            x = conv(width, 3, f"near{stage}", plain=True)(jax.nn.leaky_relu(x, _SLOPE))
            pads = same_pads((x.shape[1], x.shape[2]), 3, 2)
            half = conv(width, 3, f"half{stage}", stride=2, pads=pads, plain=True)
            x = half(jax.nn.leaky_relu(x, _SLOPE))
        whole = x.reshape(len(x), -1)
        dense = linen.Dense(1, kernel_init=linen.initializers.glorot_uniform(), name="logit")
        return dense(whole)[:, 0]


@dataclasses.dataclass(slots=True, kw_only=True)
class PatchDiscriminator(Settings):
    """Settings of the network; the defaults are those of the authors' on MNIST.

    Attributes:
        widths: channels of each stage, which halves the sides.
        stem: side of the squares of pixels that are one place for the network.
    """

    widths: Annotated[tuple[Count, ...], NotEmpty()] = (32, 64, 96)
    stem: Count = 1

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses pictures ``[b h w c]`` that do not fall into its squares.

        Raises:
            ValueError: with what to set.
        """
        _, height, width, _ = shape
        if height % self.stem or width % self.stem:
            raise ValueError(
                f"The pictures are {height} x {width}; set data.resize to multiples of "
                f"{self.stem}, or critic.stem to what divides their sides."
            )

    def build(self) -> Any:
        """The `Network`: a linen module of unit pixels."""
        return Network(widths=tuple(self.widths), stem=self.stem)
