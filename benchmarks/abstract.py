"""The programs of methods and trainings, for arrays of which only the shape is known."""

import collections
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding

from xai_jax.core.method import Frozen, Method
from xai_jax.core.types import Batch, PyTree
from xai_jax.runtime import mesh

Program = tuple[Callable, tuple[PyTree, Frozen, Batch, Any]]  # call it with these arguments
_COLLECTIVES = "all-gather|all-reduce|all-to-all|collective-permute|collective-broadcast"
_COLLECTIVE = re.compile(rf" ({_COLLECTIVES}|reduce-scatter)(?:-start)?\(")


def programs(settings: Any, frozen: Frozen, batch: Batch) -> dict[str, Program]:
    """`explain` and `step`, whichever there is; all that is known here of a method's form.

    Args:
        settings: of a method or of a training.
        frozen: abstract or not, as is the batch.
        batch: with labels.
    """
    built = settings.build()
    key = jax.eval_shape(jax.random.key, 0)
    trainable = built.trainable if isinstance(built, Method) else built
    found: dict[str, Program] = {}
    weights: PyTree = ()
    if trainable is not None:
        state = jax.eval_shape(trainable.init, key, frozen, batch)
        weights = jax.eval_shape(trainable.weights, state)
        found["step"] = (trainable.step, (state, frozen, batch, key))
    if isinstance(built, Method):
        found["explain"] = (built.explain, (weights, frozen, batch, key))
    return found


def batch_of(num: int, size: int, num_classes: int) -> Batch:
    """Of `num` pictures of `size` x `size` pixels."""

    def array(*shape, dtype=jnp.float32):
        return jax.ShapeDtypeStruct((num, *shape), dtype)

    return Batch(
        images=array(size, size, 3),
        target=array(dtype=jnp.int32),
        image_id=array(dtype=jnp.uint32),
        weight=array(),
        labels=array(num_classes),
        regions=array(size, size, dtype=jnp.int32),
    )


def spread(program: Program, devices: Sequence[jax.Device]) -> Program:
    """The batch split over the devices, all else a copy on each."""
    call, (state, frozen, batch, key) = program
    row = mesh.data_mesh(devices)
    state, frozen, key = _placed((state, frozen, key), mesh.replicated(row))
    return call, (state, frozen, _placed(batch, mesh.split(row)), key)


def _placed(tree: PyTree, sharding: NamedSharding) -> PyTree:
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), tree)


def collectives(compiled: jax.stages.Compiled) -> collections.Counter[str]:
    """How many there are of each kind of exchange between devices in the compiled program."""
    return collections.Counter(_COLLECTIVE.findall(compiled.as_text() or ""))
