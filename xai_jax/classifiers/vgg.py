"""VGG-16 and VGG-19 (Simonyan & Zisserman 2015), with torchvision's names of the weights."""

import functools

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.classifier_training import Training
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.state_reader import StateDict, StateReader

_WIDTHS = (64, 128, 256, 512, 512)
_DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # convolutions of each stage
_GRID, _HIDDEN = 7, 4096


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the last max-pool."""
    x = normalised
    for stage in params["stages"]:
        for layer in stage:
            x = layers.conv_relu(layer, x, padding=1)
        x = layers.max_pool(x, 2, 2)
    return x


def last_of_stages(params: PyTree, normalised: AnyArray) -> tuple[AnyArray, ...]:
    """Activations behind the last ReLU of each stage (relu1_2 to relu5_3 of VGG-16).

    Args:
        params: of `VGG16` or `VGG19`.
        normalised: ``[b h w 3]``.

    Returns:
        ``[b h w 64]``, ``[b h/2 w/2 128]`` ... ``[b h/16 w/16 512]``.
    """
    found: list[AnyArray] = []
    x = normalised
    for stage in params["stages"]:
        x = layers.max_pool(x, 2, 2) if found else x
        for layer in stage:
            x = layers.conv_relu(layer, x, padding=1)
        found.append(x)
    return tuple(found)


def is_vgg19(params: PyTree) -> bool:
    """Whether these are parameters of `VGG19`."""
    stages = params.get("stages", ()) if isinstance(params, dict) else ()
    return tuple(map(len, stages)) == _DEPTHS["vgg19"]


def first_of_stages(params: PyTree, normalised: AnyArray) -> tuple[AnyArray, ...]:
    """Activations behind the first ReLU of each stage (relu1_1 to relu5_1), for losses of features.

    Args:
        params: of `VGG16` or `VGG19`.
        normalised: ``[b h w 3]``, or pixels as another loss has them.

    Returns:
        ``[b h w 64]``, ``[b h/2 w/2 128]`` ... ``[b h/16 w/16 512]``.
    """
    x, found = normalised, []
    *stages, last = params["stages"]
    for stage in stages:
        x = layers.conv_relu(stage[0], x, padding=1)
        found.append(x)
        for layer in stage[1:]:
            x = layers.conv_relu(layer, x, padding=1)
        x = layers.max_pool(x, 2, 2)
    return *found, layers.conv_relu(last[0], x, padding=1)


def _convert(state_dict: StateDict, name: str) -> PyTree:
    weights = StateReader(state_dict, name)
    stages, index, inputs = [], 0, 3
    for width, depth in zip(_WIDTHS, _DEPTHS[name], strict=True):
        stage = []
        for _ in range(depth):
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


def _ported(name: str) -> Ported:
    return Ported(
        name=name,
        features=_features,
        head=functools.partial(layers.hidden_head, grid=_GRID),
        convert=functools.partial(_convert, name=name),
        training=Training(dropout=0.5),
    )


VGG16, VGG19 = _ported("vgg16"), _ported("vgg19")
