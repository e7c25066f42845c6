"""DenseNet-121 (Huang et al. 2017), with torchvision's names of the weights, old and new.

Twice, as `classifiers.resnet`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.classifiers import layers
from xai_jax.classifiers.normed import with_batch_norm
from xai_jax.classifiers.ported import Ported
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn import densenet
from xai_jax.nn.densenet import BLOCKS, GROWTH, HIDDEN, STEM
from xai_jax.nn.state_reader import StateDict, StateReader


def _norm_relu(params: PyTree, x: AnyArray) -> AnyArray:
    return jax.nn.relu(x * params["scale"] + params["shift"])


def _layer(params: PyTree, x: AnyArray) -> AnyArray:
    """Adds `GROWTH` channels."""
    hidden = layers.conv_relu(params["reduce"], _norm_relu(params["norm"], x))
    return jnp.concatenate([x, layers.conv(params["window"], hidden, padding=1)], axis=-1)


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The positive part of the last norm."""
    x = layers.conv_relu(params["stem"], normalised, stride=2, padding=3)
    x = layers.max_pool(x, 3, 2, padding=1)
    for block in params["blocks"]:
        for layer in block["layers"]:
            x = _layer(layer, x)
        x = _norm_relu(block["norm"], x)
        if "reduce" in block:
            x = layers.average_pool(layers.conv(block["reduce"], x), 2)
    return x


def _convert_norm(weights: StateReader, key: str, channels: int) -> PyTree:
    scale, shift = weights.norm(key, channels)
    return {"scale": scale.astype(np.float32), "shift": shift.astype(np.float32)}


def _convert_layer(weights: StateReader, at: str, inputs: int) -> PyTree:
    return {
        "norm": _convert_norm(weights, f"{at}norm1", inputs),
        "reduce": weights.conv(f"{at}conv1", f"{at}norm2", shape=(HIDDEN, inputs, 1, 1)),
        "window": weights.conv(f"{at}conv2", shape=(GROWTH, HIDDEN, 3, 3)),
    }


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(densenet.with_new_names(state_dict), "densenet121")
    shape = (STEM, 3, 7, 7)
    params: PyTree = {"stem": weights.conv("features.conv0", "features.norm0", shape=shape)}
    params["blocks"] = []
    channels = STEM
    for number, count in enumerate(BLOCKS, start=1):
        block: PyTree = {"layers": []}
        for index in range(1, count + 1):
            at = f"features.denseblock{number}.denselayer{index}."
            block["layers"].append(_convert_layer(weights, at, channels))
            channels += GROWTH
        if number < len(BLOCKS):
            at = f"features.transition{number}."
            block["norm"] = _convert_norm(weights, f"{at}norm", channels)
            block["reduce"] = weights.conv(f"{at}conv", shape=(channels // 2, channels, 1, 1))
            channels //= 2
        else:
            block["norm"] = _convert_norm(weights, "features.norm5", channels)
        params["blocks"].append(block)
    params["classes"] = weights.dense("classifier", channels)
    weights.done()
    return params


DENSENET121 = Ported(
    name="densenet121", features=_features, head=layers.mean_head, convert=_convert
)
DENSENET121_BATCH_NORM = with_batch_norm(
    "densenet121",
    densenet.DenseNetTrunk(),
    densenet.torch_name,
    "classifier",
    channels=1024,
    prepared=densenet.with_new_names,
)
