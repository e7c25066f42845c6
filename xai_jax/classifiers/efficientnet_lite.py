"""EfficientNet-Lite 0, 1 and 2: EfficientNet without squeeze-excitation, with ReLU6 (2020)."""

import dataclasses
import functools
import math

import jax

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.conv import depthwise, pointwise, same_pads
from xai_jax.core.dense_conv import dense
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.lite_stages import EPSILON, STAGES, STEM
from xai_jax.nn.state_reader import StateDict, StateReader


@dataclasses.dataclass(frozen=True)
class _Block:
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int


_TOP = 1280  # channels; the same in every variant


def _scaled(channels: int, width: float) -> int:
    """The multiple of 8 that is nearest to ``channels * width``, at most a tenth below it."""
    nearest = max(8, int(channels * width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels * width else nearest + 8


def _block_specs(width: float, depth: float) -> tuple[_Block, ...]:
    """One entry a block; the first and the last stage are never deepened."""
    blocks: list[_Block] = []
    inputs = STEM
    for index, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
        fixed = index in (0, len(STAGES) - 1)
        outputs = _scaled(channels, width)
        first = _Block(kernel, stride, expansion, inputs, outputs)
        rest = dataclasses.replace(first, stride=1, inputs=outputs)
        blocks += [first] + [rest] * ((repeats if fixed else math.ceil(depth * repeats)) - 1)
        inputs = outputs
    return tuple(blocks)


def _block(params: PyTree, x: AnyArray, spec: _Block) -> AnyArray:
    """Inverted bottleneck: expand, depthwise, project; with a shortcut where the shape allows."""
    shortcut = x
    if "expand" in params:
        x = jax.nn.relu6(pointwise(x, params["expand"]["kernel"]) + params["expand"]["bias"])
    pads = same_pads((x.shape[1], x.shape[2]), spec.kernel, spec.stride)
    x = depthwise(x, params["depthwise"]["kernel"], spec.stride, pads)
    x = jax.nn.relu6(x + params["depthwise"]["bias"])
    x = pointwise(x, params["project"]["kernel"]) + params["project"]["bias"]
    return x + shortcut if x.shape == shortcut.shape else x


def _features(specs: tuple[_Block, ...], params: PyTree, normalised: AnyArray) -> AnyArray:
    pads = same_pads((normalised.shape[1], normalised.shape[2]), 3, 2)
    x = dense(normalised, params["stem"]["kernel"], 2, pads)
    x = jax.nn.relu6(x + params["stem"]["bias"])
    for block, spec in zip(params["blocks"], specs, strict=True):
        x = _block(block, x, spec)
    return jax.nn.relu6(pointwise(x, params["top"]["kernel"]) + params["top"]["bias"])


def _convert(specs: tuple[_Block, ...], name: str, state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, name)
    fold = functools.partial(weights.conv, epsilon=EPSILON)
    blocks = []
    for index, spec in enumerate(specs):
        at, hidden = f"_blocks.{index}.", spec.inputs * spec.expansion
        block = {}
        if spec.expansion > 1:
            expand = (hidden, spec.inputs, 1, 1)
            block["expand"] = fold(f"{at}_expand_conv", f"{at}_bn0", shape=expand)
        window = (hidden, 1, spec.kernel, spec.kernel)
        block["depthwise"] = fold(f"{at}_depthwise_conv", f"{at}_bn1", shape=window)
        project = (spec.outputs, hidden, 1, 1)
        block["project"] = fold(f"{at}_project_conv", f"{at}_bn2", shape=project)
        blocks.append(block)
    params = {
        "stem": fold("_conv_stem", "_bn0", shape=(STEM, 3, 3, 3)),
        "blocks": blocks,
        "top": fold("_conv_head", "_bn1", shape=(_TOP, specs[-1].outputs, 1, 1)),
        "classes": weights.dense("_fc", _TOP),
    }
    weights.done()
    return params


def _ported(name: str, width: float, depth: float) -> Ported:
    specs = _block_specs(width, depth)
    return Ported(
        name=name,
        features=functools.partial(_features, specs),
        head=layers.mean_head,
        convert=functools.partial(_convert, specs, name),
    )


_LITE1 = _block_specs(1.0, 1.1)
_OF_LITE1 = (1, 2, 4)  # stages that end at strides 4, 8 and 16


def lite1_stages(params: PyTree, normalised: AnyArray) -> tuple[AnyArray, ...]:
    """Activations of Lite1 at an edge's, a texture's and a part's scale, for losses of features.

    Args:
        params: of `LITE1`.
        normalised: ``[b h w 3]``.

    Returns:
        ``[b h/4 w/4 24]``, ``[b h/8 w/8 40]`` and ``[b h/16 w/16 112]``.

    Raises:
        ValueError: the parameters are those of another network.
    """
    is_lite = isinstance(params, dict) and {"stem", "blocks", "top"} <= params.keys()
    shape = len(_LITE1), _LITE1[-1].outputs
    if not is_lite or (len(params["blocks"]), params["top"]["kernel"].shape[2]) != shape:
        raise ValueError(
            "The features are those of EfficientNet-Lite1, never of the classifiers that judge; "
            'set explained.classifier to pretrained.Named(name="efficientnet_lite1"), or to '
            '"vgg19" with its weights.'
        )
    ends = [sum(math.ceil(1.1 * repeats) for repeats, *_ in STAGES[1 : i + 1]) for i in _OF_LITE1]
    pads = same_pads((normalised.shape[1], normalised.shape[2]), 3, 2)
    x = dense(normalised, params["stem"]["kernel"], 2, pads)
    x = jax.nn.relu6(x + params["stem"]["bias"])
    found = []
    for index, (block, spec) in enumerate(
        zip(params["blocks"][: ends[-1] + 1], _LITE1, strict=False)
    ):
        x = _block(block, x, spec)
        if index in ends:
            found.append(x)
    return tuple(found)


LITE0 = _ported("efficientnet_lite0", width=1.0, depth=1.0)
LITE1 = _ported("efficientnet_lite1", width=1.0, depth=1.1)
LITE2 = _ported("efficientnet_lite2", width=1.1, depth=1.2)
