"""ResNet-50 as Caffe has it (the stride in the first 1x1 convolution), with VGGFace2's names.

Cao, Shen, Xie, Parkhi, Zisserman, "VGGFace2", FG 2018; names of ``resnet50_ft_dag.pth``. It is
what STEEX's oracle of 40 attributes begins with (specs: steex, sec. 4.1).
"""

from collections.abc import Callable

import jax
import numpy as np

from xai_jax.classifiers import layers
from xai_jax.classifiers.normed import with_batch_norm
from xai_jax.classifiers.ported import Ported
from xai_jax.classifiers.resnet import EXPANSION, STAGES, STEM
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import resnet
from xai_jax.nn.state_reader import StateDict, StateReader

_NAME = "resnet50_vggface2"
_HEAD = "classifier.weight"
_LAYERS = {  # of a block, ours -> VGGFace2's
    "reduce": "1x1_reduce",
    "window": "3x3",
    "expand": "1x1_increase",
    "shortcut": "1x1_proj",
}


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the last bottleneck."""
    x = layers.conv_relu(params["stem"], normalised, stride=2, padding=3)
    x = layers.max_pool(x, 3, 2, ceil=True)
    for stage, blocks in enumerate(params["stages"]):
        for index, block in enumerate(blocks):
            x = _bottleneck(block, x, 2 if stage > 0 and index == 0 else 1)
    return x


def _bottleneck(params: PyTree, x: AnyArray, stride: int) -> AnyArray:
    shortcut = layers.conv(params["shortcut"], x, stride=stride) if "shortcut" in params else x
    x = layers.conv_relu(params["reduce"], x, stride=stride)
    x = layers.conv_relu(params["window"], x, padding=1)
    return jax.nn.relu(layers.conv(params["expand"], x) + shortcut)


def _with_dense_head(state_dict: StateDict) -> StateDict:
    if np.ndim(state_dict.get(_HEAD, 0)) != 4:
        return state_dict
    return {**state_dict, _HEAD: state_dict[_HEAD][:, :, 0, 0]}  # a 1x1 convolution there


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(_with_dense_head(state_dict), _NAME)

    def conv(name: str, shape: tuple[int, int, int, int]) -> PyTree:
        return weights.conv(name, f"{name}_bn", shape=shape)

    params: PyTree = {"stem": conv("conv1_7x7_s2", (STEM, 3, 7, 7)), "stages": []}
    inputs = STEM
    for stage, (count, width) in enumerate(STAGES, start=2):
        params["stages"].append([])
        for index in range(1, count + 1):
            block = _convert_block(conv, f"conv{stage}_{index}_", inputs, width, index == 1)
            params["stages"][-1].append(block)
            inputs = width * EXPANSION
    params["classes"] = weights.dense("classifier", inputs)
    weights.done()
    return params


def _convert_block(
    conv: Callable[..., PyTree], at: str, inputs: int, width: int, is_first: bool
) -> PyTree:
    outputs = width * EXPANSION
    block = {
        "reduce": conv(at + _LAYERS["reduce"], (width, inputs, 1, 1)),
        "window": conv(at + _LAYERS["window"], (width, width, 3, 3)),
        "expand": conv(at + _LAYERS["expand"], (outputs, width, 1, 1)),
    }
    if is_first:
        block["shortcut"] = conv(at + _LAYERS["shortcut"], (outputs, inputs, 1, 1))
    return block


def _released_name(path: tuple[str, ...]) -> str:
    """The name of one of the trunk's layers there."""
    layer, _, norm = path[-1].partition("_")
    ending = "_bn" if norm else ""
    if len(path) == 1:
        return f"conv1_7x7_s2{ending}"
    stage, block = path[0].removeprefix("stage").split("_block")
    return f"conv{int(stage) + 1}_{int(block) + 1}_{_LAYERS[layer]}{ending}"


RESNET50_VGGFACE2 = Ported(name=_NAME, features=_features, head=layers.mean_head, convert=_convert)
RESNET50_VGGFACE2_BATCH_NORM = with_batch_norm(
    _NAME,
    resnet.ResNetTrunk(caffe=True),
    _released_name,
    "classifier",
    channels=STAGES[-1][1] * EXPANSION,
    prepared=_with_dense_head,
)
