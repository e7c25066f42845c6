"""Devices in a row, and arrays laid out over them: copies of the weights, shares of the batch."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from xai_jax.core.types import PyTree

AXIS = "data"


def data_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh of one axis over `devices`, by default all of all processes.

    Its axis is Auto: the compiler places what lies between, and methods never mention the mesh.
    """
    row = np.asarray(jax.devices() if devices is None else devices)
    return Mesh(row, (AXIS,), axis_types=(AxisType.Auto,))


def local_mesh() -> Mesh | None:
    """All devices of this process; ``None`` where that is one, which needs no mesh."""
    devices = jax.local_devices()
    return data_mesh(devices) if len(devices) > 1 else None


def replicated(mesh: Mesh) -> NamedSharding:
    """A whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def split(mesh: Mesh) -> NamedSharding:
    """Equal shares of the first axis."""
    return NamedSharding(mesh, PartitionSpec(AXIS))


def check_batch_size(batch_size: int, mesh: Mesh) -> None:
    """Refuses a batch of which the devices would get unequal shares.

    Raises:
        ValueError: with the sizes that would do.
    """
    devices = mesh.size
    if batch_size < 1 or batch_size % devices:
        below, above = batch_size // devices * devices, (batch_size // devices + 1) * devices
        choice = f"{below} or {above}" if below > 0 else f"{above}"
        raise ValueError(
            f"batch_size {batch_size} is not a multiple of the {devices} devices; use {choice}."
        )


def place_split(mesh: Mesh, local: PyTree) -> PyTree:
    """Global arrays whose rows are those of all processes, in the order of the processes.

    Args:
        mesh: over the devices of all processes.
        local: ``[b/processes ...]`` arrays of this process.
    """
    sharding = split(mesh)
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), local
    )


def place_replicated(mesh: Mesh, local: PyTree) -> PyTree:
    """Copies, on every device, of arrays that are the same on every process.

    Never donate them: a copy on the host may share the memory of what it was made from.
    """
    sharding = replicated(mesh)
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), local
    )


def place_where_missing(mesh: Mesh, leaf: Any) -> jax.Array:
    """One array as `place_replicated` places it, or itself where it stands so already."""
    is_there = isinstance(leaf, jax.Array) and leaf.sharding == replicated(mesh)
    return leaf if is_there else place_replicated(mesh, leaf)
