"""VGG-16 (Simonyan & Zisserman 2015), with torchvision's names of the weights."""

import functools

from xai_jax.classifiers import layers
from xai_jax.classifiers.convert import StateDict, StateReader
from xai_jax.classifiers.ported import Ported
from xai_jax.core.classifier_training import Training
from xai_jax.core.types import AnyArray, PyTree

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_GRID, _HIDDEN = 7, 4096


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the last max-pool."""
    x = normalised
    for stage in params["stages"]:
        for layer in stage:
            x = layers.conv_relu(layer, x, padding=1)
        x = layers.max_pool(x, 2, 2)
    return x


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, "vgg16")
    stages, index, inputs = [], 0, 3
    for widths in _STAGES:
        stage = []
        for width in widths:
            shape = (width, inputs, 3, 3)
            stage.append(weights.conv(f"features.{index}", shape=shape, bias=True))
            index, inputs = index + 2, width  # a ReLU stands between two convolutions
        stages.append(stage)
        index += 1  # and a max-pool between two stages
    params = {
        "stages": stages,
        "hidden": [
            weights.dense("classifier.0", inputs * _GRID**2, _HIDDEN),
            weights.dense("classifier.3", _HIDDEN, _HIDDEN),
        ],
        "classes": weights.dense("classifier.6", _HIDDEN),
    }
    weights.done()
    return params


VGG16 = Ported(
    name="vgg16",
    features=_features,
    head=functools.partial(layers.hidden_head, grid=_GRID),
    convert=_convert,
    training=Training(dropout=0.5),
)
