"""Explains pictures into a folder that a second start goes on with."""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from xai_jax.runs import road
from xai_jax.runs.asked import Run
from xai_jax.runs.record import Recorder
from xai_jax.runs.sources import Pictures
from xai_jax.runtime import distributed, files
from xai_jax.runtime.manifest import Manifest


@runtime_checkable
class Progress(Protocol):
    """Who is told how far a run is; see `runtime.progress`."""

    def start(self, total: int, done: int) -> None:
        """So many pictures in all, and so many of an earlier start."""

    def note(self, text: str) -> None:
        """What is being done."""

    def advance(self, more: int, /) -> None:
        """So many more pictures are on the disk."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended.

    Fields:
        done, skipped: pictures explained and skipped, earlier starts included; of a process that is
            not the first, of its share.
        seconds: of the compiled call, one number a batch that this start has explained.
    """

    done: int
    skipped: int
    seconds: Sequence[float]


def run(
    folder: Path,
    manifest: Manifest,
    how: Run,
    source: Pictures,
    class_names: Sequence[str],
    progress: Progress,
) -> Outcome:
    """Explains what is not explained yet, or has changed since, and writes the summary.

    Killed at any moment, it leaves whole batches; started again, it ends with the same bytes as if
    it had not been killed. Memory is bounded by the batch size.

    Of several processes each explains every n-th batch, and the first writes the summary when all
    are done; another number of processes may go on.

    Raises:
        ValueError: the folder holds another run or is in use, or see `road.explain`: before
            anything is written.
        OSError: the disk is full or read-only; whole batches stay.
    """
    how.check()
    is_first = distributed.is_first()
    with files.held(folder) if is_first else contextlib.nullcontext():
        if not is_first:
            distributed.together(f"{folder} is held")
        recorder = Recorder(folder, manifest, class_names, advance=progress.advance)
        if is_first:
            distributed.together(f"{folder} is held")
        left = len(recorder.todo())
        progress.start(recorder.num_own, recorder.num_own - left)
        if left:
            progress.note("compiling, once")
        road.explain(how, source, recorder)
        distributed.together(f"{folder} is explained")
        rows = recorder.finish() if is_first else recorder.own_rows()
    done = sum(row.status == "done" for row in rows)
    return Outcome(done=done, skipped=len(rows) - done, seconds=tuple(recorder.seconds))
