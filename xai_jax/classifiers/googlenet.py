"""GoogLeNet with batch norm (Szegedy et al. 2015), with torchvision's names of the weights.

torchvision's pretrained network first turns its input from ImageNet's pixel statistics to mean and
standard deviation 0.5 (`transform_input`). Here that is part of the preprocessing: give it pixels
normalised with 0.5 and 0.5.
"""

import functools

import jax.numpy as jnp

from xai_jax.classifiers import layers
from xai_jax.classifiers.ported import Ported
from xai_jax.core.types import AnyArray, PyTree
from xai_jax.nn.state_reader import StateDict, StateReader

_EPSILON = 1e-3
# 1x1; reduction and 3x3; reduction and second 3x3 (torchvision has no 5x5); after the pool
_STAGES = (
    {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64)},
    {
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
    },
    {"5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)},
)


def _inception(params: PyTree, x: AnyArray) -> AnyArray:
    """Four branches side by side."""
    first = layers.conv_relu(params["1x1"], x)
    second = layers.conv_relu(params["reduce2"], x)
    second = layers.conv_relu(params["window2"], second, padding=1)
    third = layers.conv_relu(params["reduce3"], x)
    third = layers.conv_relu(params["window3"], third, padding=1)
    fourth = layers.conv_relu(params["pooled"], layers.max_pool(x, 3, 1, padding=1))
    return jnp.concatenate([first, second, third, fourth], axis=-1)


def _features(params: PyTree, normalised: AnyArray) -> AnyArray:
    """The output of inception 5b."""
    x = layers.conv_relu(params["stem"], normalised, stride=2, padding=3)
    x = layers.max_pool(x, 3, 2, ceil=True)
    x = layers.conv_relu(params["stem_reduce"], x)
    x = layers.conv_relu(params["stem_window"], x, padding=1)
    for size, stage in zip((3, 3, 2), params["stages"], strict=True):
        x = layers.max_pool(x, size, 2, ceil=True)
        for block in stage:
            x = _inception(block, x)
    return x


def _convert(state_dict: StateDict) -> PyTree:
    weights = StateReader(state_dict, "googlenet")
    weights.ignore("aux1.")  # classifiers in the middle, which only training uses
    weights.ignore("aux2.")

    def fold(at: str, outputs: int, inputs: int, size: int) -> PyTree:
        shape = (outputs, inputs, size, size)
        return weights.conv(f"{at}.conv", f"{at}.bn", shape=shape, epsilon=_EPSILON)

    params: PyTree = {
        "stem": fold("conv1", 64, 3, 7),
        "stem_reduce": fold("conv2", 64, 64, 1),
        "stem_window": fold("conv3", 192, 64, 3),
        "stages": [],
    }
    channels = 192
    for stage in _STAGES:
        blocks = []
        for name, (one, reduce2, window2, reduce3, window3, pooled) in stage.items():
            into = functools.partial(fold, inputs=channels, size=1)
            at = f"inception{name}.branch"
            blocks.append(
                {
                    "1x1": into(f"{at}1", one),
                    "reduce2": into(f"{at}2.0", reduce2),
                    "window2": fold(f"{at}2.1", window2, reduce2, 3),
                    "reduce3": into(f"{at}3.0", reduce3),
                    "window3": fold(f"{at}3.1", window3, reduce3, 3),
                    "pooled": into(f"{at}4.1", pooled),
                }
            )
            channels = one + window2 + window3 + pooled
        params["stages"].append(blocks)
    params["classes"] = weights.dense("fc", channels)
    weights.done()
    return params


GOOGLENET = Ported(name="googlenet", features=_features, head=layers.mean_head, convert=_convert)
