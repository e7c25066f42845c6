"""From a PyTorch state dict to the variables of a linen module, convolution and norm apart."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, traverse_util

from xai_jax.core.types import PyTree
from xai_jax.nn.state_reader import StateDict, StateReader

_LEAVES = {
    ("params", "kernel"): "weight",
    ("params", "bias"): "bias",
    ("params", "scale"): "weight",
    ("batch_stats", "mean"): "running_mean",
    ("batch_stats", "var"): "running_var",
}


@functools.cache  # tracing a large network takes a second
def shapes_of(module: linen.Module, image_shape: tuple[int, int, int, int]) -> PyTree:
    """The shapes of a module's variables, without computing anything."""
    images = jax.ShapeDtypeStruct(image_shape, jnp.float32)
    init = lambda key, images: module.init(key, images)  # noqa: E731
    return jax.eval_shape(init, jax.random.key(0), images)


def variables(
    template: PyTree,
    state_dict: StateDict,
    torch_name: Callable[[tuple[str, ...]], str],
    architecture: str,
    *,
    ignored: tuple[str, ...] = (),
) -> PyTree:
    """Every array of `template`, float32, from the state dict.

    Args:
        template: variables or their shapes, ``{"params": ..., "batch_stats": ...}``.
        state_dict: arrays under PyTorch's names and in its layout.
        torch_name: PyTorch's name of the layer at a path of module names.
        architecture: for messages.
        ignored: beginnings of names that may be left over.

    Raises:
        ValueError: an array is missing, left over, of another shape or not finite, or a variance
            is negative.
    """
    read = StateReader(state_dict, architecture)
    for beginning in ignored:
        read.ignore(beginning)
    found = {}
    for path, shape in traverse_util.flatten_dict(template).items():
        key = f"{torch_name(path[1:-1])}.{_LEAVES[path[0], path[-1]]}"
        layout = {4: (3, 2, 0, 1), 2: (1, 0)}.get(len(shape.shape), (0,))  # OIHW, [o i] in PyTorch
        value = read.take(key, tuple(shape.shape[axis] for axis in layout))
        found[path] = jnp.asarray(np.transpose(value, np.argsort(layout)))
    read.done()
    return traverse_util.unflatten_dict(found)


def with_trunk(own: PyTree, trunk: PyTree) -> PyTree:
    """A network's variables with those of its submodule "trunk" replaced."""
    return {
        collection: {**layers, "trunk": trunk[collection]} for collection, layers in own.items()
    }
