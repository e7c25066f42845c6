"""The batches of a source, on the devices, one read ahead of the step that uses them."""

import contextlib
import copy
import itertools
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from xai_jax.core.errors import BadPicture
from xai_jax.core.types import PyTree
from xai_jax.experiment import Source
from xai_jax.runtime.ahead import map_ahead
from xai_jax.runtime.mesh import place_split

_AHEAD = 2  # batches that wait, on the devices already
_KNOWN = ("labels", "regions")  # of a `core.types.Batch`, what pictures are admitted by

Admit = Callable[[Mapping[str, Any]], None]


def placed(
    source: Source,
    batch_size: int,
    mesh: Mesh,
    *,
    start: Any = None,
    admit: Admit | None = None,
) -> Generator[tuple[PyTree, Any], None, None]:
    """Batches split over the mesh, each with the stream's position after it.

    At the end, or when it is closed, it closes a stream that has a `close`.

    Args:
        source: of the batches; this process reads its own share.
        batch_size: rows over all processes.
        mesh: over the devices of all processes.
        start: position to go on from; ``None`` for the beginning.
        admit: of a `Trainable`.

    Raises:
        ValueError: the share of this process has another number of rows than it must, or a picture
            is not admitted; the sentence names it.
    """
    stream = source.batches(
        batch_size,
        start=start,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    rows = batch_size // jax.process_count()

    def read(_: int) -> tuple[PyTree, Any] | None:
        try:
            batch = next(stream)
        except StopIteration:
            return None  # and None again, should a batch after it be asked for ahead
        _check_rows(batch, rows)
        if admit is not None:
            _check_pictures(admit, batch, source)
        # A copy, for the stream goes on before the position is written.
        return place_split(mesh, batch), copy.deepcopy(stream.state)

    with contextlib.ExitStack() as held:
        if hasattr(stream, "close"):
            held.callback(stream.close)  # last: nobody reads any more
        ahead = map_ahead(read, itertools.count(), threads=1, ahead=_AHEAD)
        for item in held.enter_context(contextlib.closing(ahead)):
            if item is None:
                return
            yield item


def following(batches: Iterator[tuple[PyTree, Any]], step: int) -> tuple[PyTree, Any]:
    """The next of what `placed` gives, for a step.

    Raises:
        ValueError: the data ended.
    """
    try:
        return next(batches)
    except StopIteration:
        raise ValueError(
            f"The data ended before step {step}; a source to train on repeats itself without end."
        ) from None


def _check_rows(batch: PyTree, rows: int) -> None:
    for leaf in jax.tree.leaves(batch):
        if leaf.shape[:1] != (rows,):
            raise ValueError(
                f"The data gave an array of shape {list(leaf.shape)} where {rows} rows a batch are "
                "asked for; pad the last batch with rows of weight 0."
            )


def _check_pictures(admit: Admit, batch: Any, source: Source) -> None:
    known = {name: getattr(batch, name) for name in _KNOWN}
    known = {name: np.asarray(values) for name, values in known.items() if values is not None}
    for row, image_id in enumerate(np.asarray(batch.image_id)):
        try:
            admit({name: values[row] for name, values in known.items()})
        except BadPicture as error:
            called = getattr(source, "called", None)
            name = f"Picture {image_id}" if called is None else called(int(image_id))
            raise ValueError(f"{name}: {error}") from error
