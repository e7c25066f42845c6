"""Checkpoints in a store: Orbax writes them on the disk, and they are uploaded whole behind it."""

import contextlib
import logging
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.core.types import PyTree
from xai_jax.runtime import checkpoint, distributed, files, uploads
from xai_jax.runtime.checkpoint import Checkpoints, Restored
from xai_jax.runtime.objects import ObjectPath

_LOG = logging.getLogger(__name__)
_LATEST = 2  # kept besides the best


class Uploaded:
    """`checkpoint.Checkpoints` of a store. A context manager.

    The first process of a run writes them; each reads them for itself.
    """

    def __init__(self, folder: ObjectPath) -> None:
        """Opens `folder`, which the run's first process holds by now."""
        distributed.together(f"{folder} is held")
        self._folder, self._is_first = folder, jax.process_index() == 0
        self._open = contextlib.ExitStack()
        stage = tempfile.TemporaryDirectory(prefix="xai_jax_", ignore_cleanup_errors=True)
        self._stage = Path(self._open.enter_context(stage))
        self._thread = self._open.enter_context(ThreadPoolExecutor(1))
        self._local = Checkpoints(self._stage, own=True)
        self._sending: Future[None] | None = None
        self._steps = _steps(folder)

    def __enter__(self) -> "Uploaded":
        return self

    def __exit__(self, error: type[BaseException] | None, *rest: object) -> None:
        # What is being written is finished in any case, but its failure must not hide another.
        with self._open, contextlib.suppress(Exception) if error else contextlib.nullcontext():
            try:
                self.wait()
            finally:
                self._local.__exit__(error, *rest)

    def save(self, step: int, state: PyTree, record: dict[str, Any], best: int | None) -> None:
        """As `Checkpoints.save`; also raises StoreError, of this or the save before."""
        if not self._is_first:
            return
        self.wait()
        if jax.process_count() > 1:
            # Orbax takes what is whole on each host for whole when it is the host's own.
            state = jax.tree.map(lambda leaf: np.asarray(leaf.addressable_data(0)), state)
        self._local.save(step, state, record, best)
        self._sending = self._thread.submit(self._send, step, best)

    def wait(self) -> None:
        """As `Checkpoints.wait`; also raises StoreError."""
        if self._sending is not None:
            sending, self._sending = self._sending, None
            sending.result()

    def restore(self, abstract: PyTree) -> Restored | None:
        """As `Checkpoints.restore`; a damaged one is removed."""
        for step in sorted(self._steps, reverse=True):
            try:
                uploads.fetch(self._folder / str(step), self._stage / str(step))
            except uploads.Damaged as error:
                _LOG.warning("Checkpoint %s is damaged (%s)", self._folder / str(step), error)
                self._remove(step)
                continue
            self._local.reload()
            return self._local.restore(abstract)
        return None

    def _send(self, step: int, best: int | None) -> None:
        self._local.wait()
        uploads.send(self._stage / str(step), self._folder / str(step), {"best": best})
        self._steps = sorted({*self._steps, step})
        for old in self._steps[:-_LATEST]:
            if old != best:
                self._remove(old)

    def _remove(self, step: int) -> None:
        self._steps = [other for other in self._steps if other != step]
        if self._is_first:
            whole = self._folder / str(step) / uploads.WHOLE
            whole.unlink()  # first: the rest counts for nothing then
            files.remove(self._folder / str(step))


Checkpointed = Checkpoints | Uploaded


def opened(folder: Path) -> contextlib.AbstractContextManager[Checkpointed]:
    """The checkpoints of a run on a disk or in a store.

    Raises:
        OSError: the disk is full or read-only.
        StoreError: the store fails.
    """
    return Uploaded(folder) if isinstance(folder, ObjectPath) else Checkpoints(folder)


def read_best(folder: Path, abstract: PyTree) -> Restored:
    """`checkpoint.read_best` of a run on a disk or in a store."""
    if not isinstance(folder, ObjectPath):
        return checkpoint.read_best(folder, abstract)
    steps = _steps(folder)
    if not steps:
        raise ValueError(f"{folder} holds no checkpoint; train first.")
    best = uploads.said(folder / str(steps[-1]))["best"]
    with tempfile.TemporaryDirectory(prefix="xai_jax_") as local:
        step = steps[-1] if best is None else best
        uploads.fetch(folder / str(step), Path(local, str(step)))
        return checkpoint.read_step(Path(local), step, abstract)


def _steps(folder: ObjectPath) -> list[int]:
    """Those that are whole, in their order."""
    found = (path.parent.name for path in folder.rglob(uploads.WHOLE))
    return sorted(int(name) for name in found if name.isdigit())
