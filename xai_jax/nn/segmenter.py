"""Which network draws the masks, as plain settings."""

import dataclasses
import enum

import jax.numpy as jnp
from flax import linen

from xai_jax.core.domains import Count
from xai_jax.core.settings import Settings
from xai_jax.nn.deeplab import DeepLab
from xai_jax.nn.light import Light


class Architecture(enum.Enum):
    """The networks that draw one mask a class."""

    DEEPLAB = "deeplab"  # DeepLabv3 on ResNet-50: the published one
    LIGHT = "light"  # EfficientNet-Lite0's trunk and a decoder with skips, for small pictures


@dataclasses.dataclass(slots=True, kw_only=True)
class Segmenter(Settings):
    """Settings of a network that draws one mask logit a class and pixel.

    Attributes:
        num_classes: channels.
        architecture: which network.
        bfloat16: compute in half the precision; parameters, statistics and logits stay float32.
    """

    num_classes: Count
    architecture: Architecture = Architecture.DEEPLAB
    bfloat16: bool = False

    def build(self) -> linen.Module:
        """``(normalised [b h w 3], training) -> logits [b h w k]``; see `nn.learner`."""
        dtype = jnp.bfloat16 if self.bfloat16 else jnp.float32
        kind = DeepLab if self.architecture is Architecture.DEEPLAB else Light
        return kind(self.num_classes, dtype=dtype)
