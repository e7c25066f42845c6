"""The trunk of DenseNet-121 (Huang et al. 2017) with batch norm to train."""

import re

import jax
import jax.numpy as jnp
from flax import linen

from xai_jax.core.max_pool import max_pool
from xai_jax.core.types import AnyArray
from xai_jax.nn.layers import BatchNorm, Conv, InTraining
from xai_jax.nn.state_reader import StateDict

BLOCKS = (6, 12, 24, 16)  # layers
STEM, GROWTH = 64, 32
HIDDEN = 4 * GROWTH  # channels of the 1x1 convolution of each layer
# torchvision's published file still has the names of 2017, such as "denselayer1.norm.1.weight".
_OLD_NAME = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12]\.)")
# Ours -> torchvision's, within a layer, within a transition, and of the ends.
_OF_LAYER = {"norm": "norm1", "reduce": "conv1", "reduce_norm": "norm2", "window": "conv2"}
_OF_TRANSITION = {"norm": "norm", "reduce": "conv"}
_OF_ENDS = {"stem": "conv0", "stem_norm": "norm0", "norm": "norm5"}


class _Layer(linen.Module):
    """Adds `GROWTH` channels."""

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        hidden = jax.nn.relu(BatchNorm(name="norm")(x, training))
        hidden = Conv(HIDDEN, name="reduce")(hidden)
        hidden = jax.nn.relu(BatchNorm(name="reduce_norm")(hidden, training))
        return jnp.concatenate([x, Conv(GROWTH, kernel=3, name="window")(hidden)], axis=-1)


class _Transition(linen.Module):
    """Half the channels and half the size."""

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        channels = x.shape[-1] // 2
        x = Conv(channels, name="reduce")(jax.nn.relu(BatchNorm(name="norm")(x, training)))
        return linen.avg_pool(x, (2, 2), strides=(2, 2))


class DenseNetTrunk(linen.Module):
    """DenseNet-121 without its head."""

    @linen.compact
    def __call__(self, normalised: AnyArray, training: InTraining | None = None) -> AnyArray:
        """``[b h w 3] -> [b h/32 w/32 1024]``, the positive part of the last norm."""
        x = Conv(STEM, kernel=7, stride=2, name="stem")(normalised)
        x = jax.nn.relu(BatchNorm(name="stem_norm")(x, training))
        x = max_pool(x, 3, 2, ((1, 1), (1, 1)))
        for number, count in enumerate(BLOCKS, start=1):
            for index in range(1, count + 1):
                x = _Layer(name=f"block{number}_layer{index}")(x, training)
            if number < len(BLOCKS):
                x = _Transition(name=f"transition{number}")(x, training)
        return jax.nn.relu(BatchNorm(name="norm")(x, training))


def torch_name(path: tuple[str, ...]) -> str:
    """The name in torchvision of one of the trunk's layers."""
    if len(path) == 1:
        return f"features.{_OF_ENDS[path[0]]}"
    if path[0].startswith("transition"):
        return f"features.{path[0]}.{_OF_TRANSITION[path[1]]}"
    block, layer = path[0].removeprefix("block").split("_layer")
    return f"features.denseblock{block}.denselayer{layer}.{_OF_LAYER[path[1]]}"


def with_new_names(state_dict: StateDict) -> StateDict:
    """The same arrays under the names that torchvision's network has today."""
    if not any(map(_OLD_NAME.search, state_dict)):
        return state_dict
    return {_OLD_NAME.sub(r"\1\2", key): value for key, value in state_dict.items()}
