"""The trunk of EfficientNet-Lite0 with batch norm to train: features at five scales."""

import jax
from flax import linen

from xai_jax.core.conv import same_pads
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import convert
from xai_jax.nn.layers import BatchNorm, Conv, Depthwise, DType, InTraining
from xai_jax.nn.lite_stages import EPSILON, STAGES, STEM

_STAGES = STAGES[:-1]  # the last one is not needed
_SCALES = (0, 1, 2, 4, 5)  # the last stages of strides 2, 4, 8, 16 and 32
_NAMES = {  # ours -> the package's, within a block and of the stem
    "stem": "_conv_stem",
    "stem_norm": "_bn0",
    "expand": "_expand_conv",
    "expand_norm": "_bn0",
    "depthwise": "_depthwise_conv",
    "depthwise_norm": "_bn1",
    "project": "_project_conv",
    "project_norm": "_bn2",
}
_LEFT_OUT = ("_blocks.15.", "_conv_head.", "_bn1.", "_fc.")


class InvertedBottleneck(linen.Module):
    """Expand, depthwise, project; plus the shortcut where the shape allows."""

    features: int
    kernel: int
    stride: int
    expansion: int
    dtype: DType | None = None

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        """``[b h w i] -> [b ceil(h / stride) ceil(w / stride) features]``."""

        def norm(x, name):
            return BatchNorm(epsilon=EPSILON, name=f"{name}_norm")(x, training)

        shortcut = x
        if self.expansion > 1:
            hidden = x.shape[-1] * self.expansion
            x = jax.nn.relu6(norm(Conv(hidden, name="expand", dtype=self.dtype)(x), "expand"))
        x = Depthwise(self.kernel, self.stride, name="depthwise", dtype=self.dtype)(x)
        x = jax.nn.relu6(norm(x, "depthwise"))
        x = norm(Conv(self.features, name="project", dtype=self.dtype)(x), "project")
        return x + shortcut if x.shape == shortcut.shape else x


class Lite0Trunk(linen.Module):
    """EfficientNet-Lite0 up to its last 192 channels.

    Fields:
        dtype: of the computation; ``None``: that of the input.
    """

    dtype: DType | None = None

    @linen.compact
    def __call__(
        self, normalised: AnyArray, training: InTraining | None = None
    ) -> tuple[AnyArray, ...]:
        """Features at strides 2, 4, 8, 16, 32: 16, 24, 40, 112, 192 channels; sizes round up."""
        pads = same_pads((normalised.shape[1], normalised.shape[2]), 3, 2)
        stem = Conv(STEM, kernel=3, stride=2, pads=pads, name="stem", dtype=self.dtype)
        norm = BatchNorm(epsilon=EPSILON, name="stem_norm")
        x = jax.nn.relu6(norm(stem(normalised), training))
        features, number = [], 0
        for stage, (repeats, kernel, stride, expansion, channels) in enumerate(_STAGES):
            for index in range(repeats):
                block = InvertedBottleneck(
                    features=channels,
                    kernel=kernel,
                    stride=stride if index == 0 else 1,
                    expansion=expansion,
                    dtype=self.dtype,
                    name=f"block{number}",
                )
                x, number = block(x, training), number + 1
            if stage in _SCALES:
                features.append(x)
        return tuple(features)


def trunk_variables(state_dict: convert.StateDict) -> PyTree:
    """Variables of `Lite0Trunk` from the published EfficientNet-Lite0.

    Raises:
        ValueError: an array is missing, left over, of another shape or not finite.
    """
    template = convert.shapes_of(Lite0Trunk(), (1, 64, 64, 3))
    return convert.variables(
        template, state_dict, torch_name, "efficientnet_lite0", ignored=_LEFT_OUT
    )


def torch_name(path: tuple[str, ...]) -> str:
    """The name in the package of one of the trunk's layers."""
    at = f"_blocks.{path[0].removeprefix('block')}." if len(path) > 1 else ""
    return at + _NAMES[path[-1]]
