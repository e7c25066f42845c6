"""A small network that draws masks: EfficientNet-Lite0's trunk and a decoder with skips."""

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core import image
from xai_jax.core.types import AnyArray
from xai_jax.nn.layers import BatchNorm, Conv, Depthwise, DType, InTraining
from xai_jax.nn.lite0 import Lite0Trunk


class Light(linen.Module):
    """2.4 million parameters; for small pictures of any shape, such as 96 x 176.

    From the coarsest features to the finest: upsample, add the trunk's features of that scale, and
    mix neighbours and channels (a depthwise and a 1x1 convolution). Logits stand at half the
    picture's resolution and are upsampled as logits.

    Fields:
        num_classes: channels of the masks.
        width: channels of the decoder.
        dtype: of the computation, ``None``: that of the input; logits are float32 always.
    """

    num_classes: int
    width: int = 64
    dtype: DType | None = None

    @linen.compact
    def __call__(self, normalised: AnyArray, training: InTraining | None = None) -> AnyArray:
        """Mask logits ``[b h w k]`` of ``[b h w 3]``, upsampled before any sigmoid."""

        def point(x, name):
            x = Conv(self.width, name=name, dtype=self.dtype)(x)
            return BatchNorm(name=f"{name}_norm")(x, training)

        trunk = Lite0Trunk(dtype=self.dtype, name="trunk")
        *finer, coarsest = trunk(normalised, training)
        x = jax.nn.relu(point(coarsest, "lateral4"))
        for scale, skip in reversed(list(enumerate(finer))):
            up = image.resize(x.astype(jnp.float32), *skip.shape[1:3]).astype(x.dtype)
            x = jax.nn.relu(up + point(skip, f"lateral{scale}"))
            near = Depthwise(3, name=f"near{scale}", dtype=self.dtype)(x)
            x = jax.nn.relu(point(near, f"mix{scale}"))
        logits = Conv(self.num_classes, use_bias=True, name="classes", dtype=self.dtype)(x)
        return image.resize(logits.astype(jnp.float32), *normalised.shape[1:3])
