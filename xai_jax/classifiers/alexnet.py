"""AlexNet in one column (Krizhevsky 2014), with torchvision's names of the weights."""

import functools

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.state_reader import StateDict, StateReader

# index in `features`, (out, in, kernel, kernel), stride, padding, whether a max-pool follows
_LAYERS = (
    (0, (64, 3, 11, 11), 4, 2, True),
    (3, (192, 64, 5, 5), 1, 2, True),
    (6, (384, 192, 3, 3), 1, 1, False),
    (8, (256, 384, 3, 3), 1, 1, False),
    (10, (256, 256, 3, 3), 1, 1, True),
)
_GRID, _HIDDEN = 6, 4096


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the last max-pool."""
    x = normalised
    for layer, (_, _, stride, padding, pooled) in zip(params["layers"], _LAYERS, strict=True):
        x = layers.conv_relu(layer, x, stride=stride, padding=padding)
        x = layers.max_pool(x, 3, 2) if pooled else x
    return x


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, "alexnet")
    params = {
        "layers": [
            weights.conv(f"features.{index}", shape=shape, bias=True)
            for index, shape, *_ in _LAYERS
        ],
        "hidden": [
            weights.dense("classifier.1", 256 * _GRID**2, _HIDDEN),
            weights.dense("classifier.4", _HIDDEN, _HIDDEN),
        ],
        "classes": weights.dense("classifier.6", _HIDDEN),
    }
    weights.done()
    return params


ALEXNET = Ported(
    name="alexnet",
    features=_features,
    head=functools.partial(layers.hidden_head, grid=_GRID),
    convert=_convert,
)
