"""A small network for small grey pictures: two convolutions and two dense layers.

Specs: generative, sec. 4.3; 1,217,473 parameters for 28 x 28 and one logit. Colours are averaged.
There is no published file: it is trained here, or brought under the names below.
"""

import functools

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.state_reader import StateDict, StateReader

_WIDTH, _GRID, _HIDDEN = 64, 12, 128


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of the max-pool: ``[b 12 12 64]`` of pictures of 28 x 28."""
    x = normalised.mean(axis=-1, keepdims=True)
    for layer in params["layers"]:
        x = layers.conv_relu(layer, x)
    return layers.max_pool(x, 2, 2)


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, "lenet")
    params = {
        "layers": [
            weights.conv("conv1", shape=(_WIDTH, 1, 3, 3), bias=True),
            weights.conv("conv2", shape=(_WIDTH, _WIDTH, 3, 3), bias=True),
        ],
        "hidden": [weights.dense("hidden", _WIDTH * _GRID**2, _HIDDEN)],
        "classes": weights.dense("classes", _HIDDEN),
    }
    weights.done()
    return params


LENET = Ported(
    name="lenet",
    features=_features,
    head=functools.partial(layers.hidden_head, grid=_GRID),
    convert=_convert,
)
