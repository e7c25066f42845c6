"""Anybody's Flax or Equinox network as a Classifier: its weights an argument, the rest fixed."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

from xai_jax.core.classifier import Classifier
from xai_jax.core.targets import Head
from xai_jax.core.types import PyTree

# Each adapter's function is a frozen dataclass: two made from one network are equal, so that the
# second one finds the compiled program of the first.


def from_linen(
    module: linen.Module,
    variables: PyTree,
    *,
    mean: float | tuple[float, ...] = 0.0,
    std: float | tuple[float, ...] = 1.0,
    head: Head | str = Head.SOFTMAX,
    **call: Any,
) -> Classifier:
    """A Flax linen module ``[b h w c] -> logits [b k]``.

    Args:
        module: the network; it is applied without a random key and may change no variable, so
            switch its training off by `call`.
        variables: what ``module.init`` returned or a checkpoint holds, such as ``{"params": ...,
            "batch_stats": ...}``.
        mean: the network eats ``(pixels - mean) / std``; one number, or one a channel.
        std: see `mean`.
        head: how logits become probabilities.
        call: further keywords of the module's ``__call__``, such as ``train=False``.

    Raises:
        ValueError: the module or a keyword cannot be hashed.
    """
    function = _hashable(_Linen(module, tuple(sorted(call.items()))))
    return Classifier.from_callable(function, variables, mean=mean, std=std, head=head)


def from_nnx(
    module: nnx.Module,
    *,
    mean: float | tuple[float, ...] = 0.0,
    std: float | tuple[float, ...] = 1.0,
    head: Head | str = Head.SOFTMAX,
) -> Classifier:
    """A Flax NNX module ``[b h w c] -> logits [b k]``, in evaluation mode.

    `module` itself is not changed: a copy is switched to evaluation (dropout off, batch norm by its
    running statistics). Later training of `module` does not reach the Classifier.

    Args:
        module: the network.
        mean: the network eats ``(pixels - mean) / std``; one number, or one a channel.
        std: see `mean`.
        head: how logits become probabilities.
    """
    copy = nnx.clone(module)
    copy.eval()
    graph, state = nnx.split(copy)
    function = _hashable(_Nnx(graph))
    return Classifier.from_callable(function, state, mean=mean, std=std, head=head)


def from_equinox(
    module: Any,
    state: Any = None,
    *,
    mean: float | tuple[float, ...] = 0.0,
    std: float | tuple[float, ...] = 1.0,
    head: Head | str = Head.SOFTMAX,
) -> Classifier:
    """An Equinox module for one picture, channels first: ``[c h w] -> logits [k]``.

    It is switched to inference, given each picture transposed, and mapped over the batch.

    Args:
        module: the network.
        state: the ``equinox.nn.State`` of a network with batch norm, whose ``(x, state)`` returns
            ``(logits, state)``.
        mean: the network eats ``(pixels - mean) / std``; one number, or one a channel.
        std: see `mean`.
        head: how logits become probabilities.

    Raises:
        ValueError: a part of the module that is no array cannot be hashed.
    """
    import equinox  # not a dependency of the project, and only who has a module needs it

    leaves, structure = jax.tree.flatten(equinox.nn.inference_mode(module))
    is_array = [isinstance(leaf, jax.Array | np.ndarray) for leaf in leaves]
    arrays = [leaf for leaf, array in zip(leaves, is_array, strict=True) if array]
    rest = tuple(_ARRAY if array else leaf for leaf, array in zip(leaves, is_array, strict=True))
    function = _hashable(_Equinox(structure, rest))
    params = {"arrays": arrays, "state": state}
    return Classifier.from_callable(function, params, mean=mean, std=std, head=head)


@dataclasses.dataclass(frozen=True)
class _Linen:
    module: linen.Module
    call: tuple[tuple[str, Any], ...]

    def __call__(self, variables: PyTree, normalised: jax.Array) -> Any:
        return self.module.apply(variables, normalised, **dict(self.call))


@dataclasses.dataclass(frozen=True)
class _Nnx:
    graph: nnx.GraphDef

    def __call__(self, state: PyTree, normalised: jax.Array) -> Any:
        return nnx.merge(self.graph, state)(normalised)


_ARRAY = "an array stands here"


@dataclasses.dataclass(frozen=True)
class _Equinox:
    structure: Any  # of the whole module
    rest: tuple[Any, ...]  # its leaves, with `_ARRAY` where an array goes

    def __call__(self, params: PyTree, normalised: jax.Array) -> Any:
        arrays = iter(params["arrays"])
        leaves = [next(arrays) if leaf is _ARRAY else leaf for leaf in self.rest]
        module = jax.tree.unflatten(self.structure, leaves)
        pictures = jnp.moveaxis(normalised, -1, 1)  # [b c h w]
        if params["state"] is None:
            return jax.vmap(module)(pictures)
        one = lambda picture: module(picture, params["state"])[0]  # noqa: E731
        return jax.vmap(one, axis_name="batch")(pictures)


def _hashable(function: Any) -> Any:
    try:
        hash(function)
    except TypeError as error:
        raise ValueError(
            f"This network has a setting that cannot be hashed ({error}); use a tuple instead of a "
            "list, or wrap a function of yours with Classifier.from_callable."
        ) from error
    return function
