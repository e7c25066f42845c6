"""ResNet-50 (He et al. 2016, the stride in the 3x3 convolution), with torchvision's names.

Twice: with batch norm folded into the convolutions, which is faster, and with batch norm as it is,
which can be trained.
"""

import jax

from xai_jax.classifiers import layers
from xai_jax.classifiers.normed import with_batch_norm
from xai_jax.classifiers.ported import Ported
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import resnet
from xai_jax.nn.state_reader import StateDict, StateReader

STEM = 64
STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))  # blocks, width of the bottleneck
EXPANSION = 4


def _stride(stage: int, block: int) -> int:
    return 2 if stage > 0 and block == 0 else 1


def _bottleneck(params: PyTree, x: AnyArray, stride: int) -> AnyArray:
    shortcut = layers.conv(params["shortcut"], x, stride=stride) if "shortcut" in params else x
    x = layers.conv_relu(params["reduce"], x)
    x = layers.conv_relu(params["window"], x, stride=stride, padding=1)
    return jax.nn.relu(layers.conv(params["expand"], x) + shortcut)


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the last bottleneck."""
    x = layers.conv_relu(params["stem"], normalised, stride=2, padding=3)
    x = layers.max_pool(x, 3, 2, padding=1)
    for stage, blocks in enumerate(params["stages"]):
        for index, block in enumerate(blocks):
            x = _bottleneck(block, x, _stride(stage, index))
    return x


def _convert_block(weights: StateReader, at: str, inputs: int, width: int) -> PyTree:
    outputs = width * EXPANSION
    block = {
        "reduce": weights.conv(f"{at}conv1", f"{at}bn1", shape=(width, inputs, 1, 1)),
        "window": weights.conv(f"{at}conv2", f"{at}bn2", shape=(width, width, 3, 3)),
        "expand": weights.conv(f"{at}conv3", f"{at}bn3", shape=(outputs, width, 1, 1)),
    }
    if at.endswith(".0."):
        names, shape = (f"{at}downsample.0", f"{at}downsample.1"), (outputs, inputs, 1, 1)
        block["shortcut"] = weights.conv(*names, shape=shape)
    return block


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, "resnet50")
    params: PyTree = {"stem": weights.conv("conv1", "bn1", shape=(STEM, 3, 7, 7)), "stages": []}
    inputs = STEM
    for stage, (blocks, width) in enumerate(STAGES):
        params["stages"].append([])
        for index in range(blocks):
            at = f"layer{stage + 1}.{index}."
            params["stages"][-1].append(_convert_block(weights, at, inputs, width))
            inputs = width * EXPANSION
    params["classes"] = weights.dense("fc", inputs)
    weights.done()
    return params


RESNET50 = Ported(name="resnet50", features=_features, head=layers.mean_head, convert=_convert)

RESNET50_BATCH_NORM = with_batch_norm(
    "resnet50", resnet.ResNetTrunk(), resnet.torch_name, "fc", STAGES[-1][1] * EXPANSION
)
