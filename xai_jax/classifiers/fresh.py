"""A classifier before its first training: a known network whose weights are drawn at random."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.classifiers import entries
from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count, Seed
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import AnyArray, PRNGKey

_SCALE = jax.tree_util.DictKey("scale")  # of a norm


@dataclasses.dataclass(slots=True, kw_only=True)
class Fresh(Settings):
    """The `classifier` of an experiment that trains all of it, trunk and head.

    Kernels are Glorot-uniform, ``U(-a, a)`` with ``a^2 = 6 / (inputs + outputs)``; biases are 0,
    and what a norm scales by is 1.

    Fields:
        name: of the network, one that `entries.architecture_of` knows.
        num_classes: of its last layer.
        head: how its logits become probabilities.
        seed: of the weights.
    """

    name: str = "lenet"
    num_classes: Count = 1
    head: Head = Head.SIGMOID
    seed: Seed = 0

    def build(self) -> Classifier:
        """It.

        Raises:
            ValueError: there is no such network.
        """
        entry = entries.architecture_of(self.name)
        shapes, tree = jax.tree.flatten_with_path(entry.network.shapes(self.num_classes))
        keys = jax.random.split(jax.random.key(self.seed), len(shapes))
        params = [
            _drawn(key, path[-1], s.shape) for key, (path, s) in zip(keys, shapes, strict=True)
        ]
        made: Callable[..., Classifier] = entry.network.classifier
        return made(
            jax.tree.unflatten(tree, params), mean=entry.mean, std=entry.std, head=self.head
        )


def _drawn(key: PRNGKey, name: Any, shape: tuple[int, ...]) -> AnyArray:
    if len(shape) == 1:
        return jnp.full(shape, float(name == _SCALE))
    places = math.prod(shape[:-2])  # of a convolution's window; 1 for a dense layer
    bound = math.sqrt(6.0 / (places * (shape[-2] + shape[-1])))
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)
