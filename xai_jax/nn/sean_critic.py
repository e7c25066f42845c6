"""The two critics of SEAN: how real each patch looks, and how a picture goes with its label map.

Specs: steex, sec. 1.5. 1,364,098 parameters for the 19 parts of a face at the published width.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core.types import AnyArray
from xai_jax.nn.layers import Conv, zero_bias
from xai_jax.nn.region_norm import OneHot, xavier
from xai_jax.nn.sean_encoder import Pixels, instance_norm

_SCALES, _SLOPE, _PADS = 2, 0.2, ((2, 2), (2, 2))


class PatchCritic(linen.Module):
    """One critic.

    Fields:
        width: channels of the first layer; doubled twice.
    """

    width: int

    @linen.compact
    def __call__(self, x: AnyArray) -> list[AnyArray]:
        """What every layer answers; the last one is the patches' scores ``[b y x 1]``."""
        layers = []
        for i in range(3):
            own: dict[str, Any] = {"use_bias": True} if i == 0 else {"spectral": True}
            x = self._conv(2**i * self.width, 2, f"conv{i}", **own)(x)
            x = jax.nn.leaky_relu(x if i == 0 else instance_norm(x), _SLOPE)
            layers.append(x)
        return [*layers, self._conv(1, 1, "scores", use_bias=True)(x)]

    def _conv(self, features: int, stride: int, name: str, **own: Any) -> Conv:
        return Conv(
            features,
            4,
            stride=stride,
            pads=_PADS,
            kernel_init=xavier(),
            bias_init=zero_bias,
            name=name,
            **own,
        )


class Critics(linen.Module):
    """Two alike, at full and at half size.

    Fields:
        width: of each.
    """

    width: int

    @linen.compact
    def __call__(self, pixels: Pixels, one_hot: OneHot) -> list[list[AnyArray]]:
        """The layers of each critic; pixels in [-1, 1]."""
        x = jnp.concatenate([one_hot, pixels], axis=-1)
        found = []
        for scale in range(_SCALES):
            found.append(PatchCritic(self.width, name=f"critic{scale}")(x))
            x = _half(x)
        return found


def _half(x: AnyArray) -> AnyArray:
    """3 x 3 means at every other pixel; what is beyond the border is not counted."""

    def sums(values):
        return jax.lax.reduce_window(
            values, 0.0, jax.lax.add, (1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
        )

    return sums(x) / sums(jnp.ones_like(x[:1, :, :, :1]))
