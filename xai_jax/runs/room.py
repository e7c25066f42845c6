"""How many pictures go into one compiled call: few sizes, so few programs, and what has room."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.types import Batch
from xai_jax.runs import batch as batches
from xai_jax.runs.asked import Run
from xai_jax.runs.sources import Pictures

SHARE = 0.8  # of a device's memory; the rest is for what the compiler does not count
MOST = 128  # pictures a device: more save no time, and are lost when a run is stopped
_TRIED = 8  # pictures that are compiled for
_used: dict[Any, set[int]] = {}  # sizes of the batches that were asked for, by what is compiled
_taken: dict[Any, tuple[int, int] | None] = {}  # bytes of the weights and beside them, likewise


def padded(
    inspector: Inspector, metrics: Sequence[Metric], shape: tuple[int, ...], most: int
) -> int:
    """Rows of the batches for pictures ``[b h w c]``, so that few programs serve all numbers.

    `most` for as many pictures or more; for fewer, the smallest size that was used before and
    holds them, else the next power of two. What is left over is padding.
    """
    num = shape[0]
    used = _used.setdefault(_program(inspector, metrics, shape[1:]), set())
    size = most
    if num < most:
        fitting = [size for size in used if num <= size <= most]
        size = min(fitting, default=min(1 << (num - 1).bit_length(), most))
    used.add(size)
    return size


def for_pictures(run: Run, source: Pictures) -> int:
    """The pictures of one call: a power of two a device, at most `MOST`, in `SHARE` of its memory.

    Those of `run` where a device or its compiler does not say how much memory there is, a CPU say,
    and where there are no more pictures than that. Else the program of a few pictures is compiled,
    once for equal settings: what it takes beside the weights grows no faster than the pictures. No
    call is tried until it fails.

    Args:
        run: how; which pictures, it need not know.
        source: the pictures; the first that can be read stands for all.

    Raises:
        ValueError: see `Run.check`.
    """
    devices = jax.local_devices()[:1] if run.mesh is None else list(run.mesh.devices.flat)
    limits = [limit for device in devices if (limit := memory_of(device)) is not None]
    if len(limits) < len(devices) or len(source.names) <= run.batch_size:
        return run.batch_size
    run.check()
    batch = _of_the_first(source)
    if batch is None:
        return run.batch_size
    program = _program(run.inspector, run.metrics, batch.images.shape[1:])
    if program not in _taken:
        _taken[program] = _measured(run, batch)
    found = _taken[program]
    if found is None:
        return run.batch_size
    fixed, taken = found
    room = max(int((SHARE * min(limits) - fixed) * _TRIED / taken), 1)
    return min(MOST, 1 << (room.bit_length() - 1)) * len(devices)


def memory_of(device: jax.Device) -> int | None:
    """The bytes that programs may take on a device; ``None`` where it does not say."""
    stats = device.memory_stats() or {}
    return stats.get("bytes_limit")


def _program(inspector: Inspector, metrics: Sequence[Metric], shape: tuple[int, ...]) -> Any:
    """What tells one compiled program from another, beside the number of pictures."""
    tree = jax.tree.structure((inspector.frozen, inspector.weights))
    leaves = _leaves(inspector)
    return batches.static(inspector, metrics), tree, tuple(map(np.shape, leaves)), shape


def _leaves(inspector: Inspector) -> list[Any]:
    """All that stays on a device."""
    return jax.tree.leaves((inspector.frozen, inspector.weights))


def _of_the_first(source: Pictures) -> Batch | None:
    """A batch of copies of one picture: what is compiled depends on shapes alone."""
    for row in range(min(len(source.names), _TRIED)):
        try:
            return batches.batch_of([source.read(row)], [0], _TRIED)
        except BadPicture:
            continue
    return None


def _measured(run: Run, batch: Batch) -> tuple[int, int] | None:
    """Bytes that the weights take, and beside them the program of a batch; ``None``: unknown."""
    inspector = run.inspector
    fixed = sum(getattr(x, "nbytes", 0) for x in _leaves(inspector))
    memory = batches.compiled(inspector, batch, run.key, run.metrics).memory_analysis()
    if memory is None:
        return None
    taken = memory.temp_size_in_bytes + memory.output_size_in_bytes
    # The weights are among the arguments, but for those that the program does not use.
    return fixed, taken + max(memory.argument_size_in_bytes - fixed, 0)
