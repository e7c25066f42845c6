"""The trunks of ResNet-50 and 101 with batch norm to train, and dilation in place of stride."""

import jax
from flax import linen

from xai_jax.core.max_pool import max_pool
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import convert
from xai_jax.nn.layers import BatchNorm, Conv, DType, InTraining

_STEM = 64  # channels
_WIDTHS = (64, 128, 256, 512)  # of the bottlenecks of a stage
_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}  # of each stage, by depth
_EXPANSION = 4
# Ours -> torchvision's, within a block and of the stem.
_NAMES = {
    "stem": "conv1",
    "stem_norm": "bn1",
    "reduce": "conv1",
    "reduce_norm": "bn1",
    "window": "conv2",
    "window_norm": "bn2",
    "expand": "conv3",
    "expand_norm": "bn3",
    "shortcut": "downsample.0",
    "shortcut_norm": "downsample.1",
}


class Bottleneck(linen.Module):
    """1x1, 3x3, 1x1; plus a shortcut, projected where the shape changes.

    The 3x3 convolution has the stride, or as in Caffe the one before it.
    """

    width: int
    stride: int = 1
    dilation: int = 1
    project: bool = False
    caffe: bool = False
    dtype: DType | None = None

    @linen.compact
    def __call__(self, x: AnyArray, training: InTraining | None = None) -> AnyArray:
        """``[b h w i] -> [b h' w' 4 * width]``."""
        outputs = self.width * _EXPANSION

        def conv_norm(x, name, features, **shape):
            x = Conv(features, name=name, dtype=self.dtype, **shape)(x)
            return BatchNorm(name=f"{name}_norm")(x, training)

        shortcut = conv_norm(x, "shortcut", outputs, stride=self.stride) if self.project else x
        strides = (self.stride, 1) if self.caffe else (1, self.stride)
        x = jax.nn.relu(conv_norm(x, "reduce", self.width, stride=strides[0]))
        window = {"kernel": 3, "stride": strides[1], "dilation": self.dilation}
        x = jax.nn.relu(conv_norm(x, "window", self.width, **window))
        return jax.nn.relu(conv_norm(x, "expand", outputs) + shortcut)


class ResNetTrunk(linen.Module):
    """ResNet without its head.

    Fields:
        depth: 50 or 101.
        dilate: for stages 2, 3 and 4, whether the stride becomes a dilation of all later
            convolutions; the first block of such a stage keeps the dilation before it
            (torchvision's `replace_stride_with_dilation`).
        caffe: the stride is in the first 1x1 convolution of a stage, and the pool of the stem does
            not pad but takes the last window that begins inside.
        dtype: of the computation; ``None``: that of the input.
    """

    depth: int = 50
    dilate: tuple[bool, bool, bool] = (False, False, False)
    caffe: bool = False
    dtype: DType | None = None

    @linen.compact
    def __call__(self, normalised: AnyArray, training: InTraining | None = None) -> AnyArray:
        """``[b h w 3] -> [b h' w' 2048]``; h' = h / 32, times 2 for each dilated stage."""
        x = Conv(_STEM, kernel=7, stride=2, name="stem", dtype=self.dtype)(normalised)
        x = jax.nn.relu(BatchNorm(name="stem_norm")(x, training))
        beyond = [(0, (n - 3) % 2) if self.caffe else (1, 1) for n in x.shape[1:3]]
        x = max_pool(x, 3, 2, tuple(beyond))
        dilation = 1
        for stage, (blocks, width) in enumerate(zip(_BLOCKS[self.depth], _WIDTHS, strict=True)):
            before, stride = dilation, 1 if stage == 0 else 2
            if stage > 0 and self.dilate[stage - 1]:
                dilation, stride = dilation * stride, 1
            for index in range(blocks):
                x = Bottleneck(
                    width,
                    stride=stride if index == 0 else 1,
                    dilation=before if index == 0 else dilation,
                    project=index == 0,
                    caffe=self.caffe,
                    dtype=self.dtype,
                    name=f"stage{stage + 1}_block{index}",
                )(x, training)
        return x


def torch_name(path: tuple[str, ...]) -> str:
    """The name in torchvision of one of the trunk's layers."""
    if len(path) == 1:
        return _NAMES[path[0]]
    stage, block = path[0].removeprefix("stage").split("_block")
    return f"layer{stage}.{block}.{_NAMES[path[1]]}"


def trunk_variables(state_dict: convert.StateDict) -> PyTree:
    """Variables of `ResNetTrunk` from torchvision's ResNet-50; its head is left out.

    Raises:
        ValueError: an array is missing, left over, of another shape or not finite.
    """
    template = convert.shapes_of(ResNetTrunk(), (1, 64, 64, 3))
    return convert.variables(template, state_dict, torch_name, "resnet50", ignored=("fc.",))
