"""Which network draws the masks, as plain settings."""

import dataclasses
import enum

import jax.numpy as jnp
from flax import linen

from xai_jax.core.domains import Count, SomeNames
from xai_jax.core.settings import Settings
from xai_jax.nn.deeplab import DeepLab
from xai_jax.nn.light import Light


class Architecture(enum.Enum):
    """The networks that draw one mask a class."""

    DEEPLAB = "deeplab"  # DeepLabv3 on ResNet-50: the published one of the Explainer
    DEEPLAB101 = "deeplab101"  # on ResNet-101: the published one of STEEX
    LIGHT = "light"  # EfficientNet-Lite0's trunk and a decoder with skips, for small pictures


@dataclasses.dataclass(slots=True, kw_only=True)
class Segmenter(Settings):
    """Settings of a network that draws one mask logit a class and pixel.

    Attributes:
        num_classes: channels.
        architecture: which network.
        bfloat16: compute in half the precision, while it learns too; parameters, statistics and
            logits stay float32.
    """

    num_classes: Count
    architecture: Architecture = Architecture.DEEPLAB
    bfloat16: bool = False

    def build(self) -> linen.Module:
        """``(normalised [b h w 3], training) -> logits [b h w k]``; see `nn.learner`."""
        dtype = jnp.bfloat16 if self.bfloat16 else None
        if self.architecture is Architecture.LIGHT:
            return Light(self.num_classes, dtype=dtype)
        depth = 101 if self.architecture is Architecture.DEEPLAB101 else 50
        return DeepLab(self.num_classes, dtype=dtype, depth=depth)


@dataclasses.dataclass(slots=True, kw_only=True)
class RegionSegmenter(Settings):
    """Settings of a network that tells which region a pixel belongs to.

    Attributes:
        regions: names of the label map's numbers.
        architecture, bfloat16: as of `Segmenter`.
    """

    regions: SomeNames = ("background",)
    architecture: Architecture = Architecture.DEEPLAB101
    bfloat16: bool = False

    def build(self) -> linen.Module:
        """See `Segmenter.build`."""
        own = Segmenter(
            num_classes=len(self.regions), architecture=self.architecture, bfloat16=self.bfloat16
        )
        return own.build()
