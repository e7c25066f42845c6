"""EfficientNet-Lite 0, 1 and 2: EfficientNet without squeeze-excitation, with ReLU6 (2020)."""

import dataclasses
import functools
import math

import jax

from xai_jax.classifiers.architecture import Architecture, StateDict
from xai_jax.classifiers.convert import Weights
from xai_jax.core.conv import depthwise, pointwise, same_pads
from xai_jax.core.types import AnyArray, Logits, PyTree

_EPSILON = 1e-3  # of every batch norm, as in TensorFlow


@dataclasses.dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int  # of the first block
    expansion: int


_STAGES = (
    _Stage(1, 3, 1, 1),
    _Stage(2, 3, 2, 6),
    _Stage(2, 5, 2, 6),
    _Stage(3, 3, 2, 6),
    _Stage(3, 5, 1, 6),
    _Stage(4, 5, 2, 6),
    _Stage(1, 3, 1, 6),
)


def _block_specs(depth: float) -> tuple[_Stage, ...]:
    """One entry a block; the first and the last stage are never deepened."""
    blocks = []
    for index, stage in enumerate(_STAGES):
        fixed = index in (0, len(_STAGES) - 1)
        repeats = stage.repeats if fixed else math.ceil(depth * stage.repeats)
        blocks.append(stage)
        blocks += [dataclasses.replace(stage, stride=1)] * (repeats - 1)
    return tuple(blocks)


def _block(params: PyTree, x: AnyArray, spec: _Stage) -> AnyArray:
    """Inverted bottleneck: expand, depthwise, project; with a shortcut where the shape allows."""
    shortcut = x
    if "expand" in params:
        x = jax.nn.relu6(pointwise(x, params["expand"]["kernel"]) + params["expand"]["bias"])
    pads = same_pads(x.shape[1:3], spec.kernel, spec.stride)
    x = depthwise(x, params["depthwise"]["kernel"], spec.stride, pads)
    x = jax.nn.relu6(x + params["depthwise"]["bias"])
    x = pointwise(x, params["project"]["kernel"]) + params["project"]["bias"]
    return x + shortcut if x.shape == shortcut.shape else x


def _features(specs: tuple[_Stage, ...], params: PyTree, normalised: AnyArray) -> AnyArray:
    pads = same_pads(normalised.shape[1:3], 3, 2)
    x = jax.lax.conv_general_dilated(
        normalised,
        params["stem"]["kernel"],
        (2, 2),
        pads,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    x = jax.nn.relu6(x + params["stem"]["bias"])
    for block, spec in zip(params["blocks"], specs, strict=True):
        x = _block(block, x, spec)
    return jax.nn.relu6(pointwise(x, params["top"]["kernel"]) + params["top"]["bias"])


def _head(params: PyTree, activations: AnyArray) -> Logits:
    return activations.mean(axis=(1, 2)) @ params["classes"]["kernel"] + params["classes"]["bias"]


def _convert(specs: tuple[_Stage, ...], name: str, state_dict: StateDict) -> PyTree:
    weights = Weights(state_dict, name)
    fold = functools.partial(weights.conv, epsilon=_EPSILON)
    blocks = []
    for index, spec in enumerate(specs):
        at = f"_blocks.{index}."
        block = {"expand": fold(f"{at}_expand_conv", f"{at}_bn0")} if spec.expansion > 1 else {}
        block["depthwise"] = fold(f"{at}_depthwise_conv", f"{at}_bn1")
        block["project"] = fold(f"{at}_project_conv", f"{at}_bn2")
        blocks.append(block)
    params = {
        "stem": fold("_conv_stem", "_bn0"),
        "blocks": blocks,
        "top": fold("_conv_head", "_bn1"),
        "classes": weights.dense("_fc"),
    }
    weights.done()
    return params


def _architecture(name: str, depth: float) -> Architecture:
    specs = _block_specs(depth)
    return Architecture(
        name=name,
        features=functools.partial(_features, specs),
        head=_head,
        convert=functools.partial(_convert, specs, name),
    )


LITE0 = _architecture("efficientnet_lite0", depth=1.0)
LITE1 = _architecture("efficientnet_lite1", depth=1.1)
LITE2 = _architecture("efficientnet_lite2", depth=1.2)
