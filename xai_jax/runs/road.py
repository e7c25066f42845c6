"""The one road from pictures to explanations: whoever asks, wherever they come from and go to.

One rule for a picture's identity (the pixels that the network sees), one for its key, one place
where it stands in a batch: so the same picture, seed and settings give one explanation.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from xai_jax.core.errors import BadPicture
from xai_jax.core.generator import numbered
from xai_jax.core.outputs import Output
from xai_jax.runs.asked import Run
from xai_jax.runs.sources import Picture, Pictures
from xai_jax.runs.worker import Found, Worker
from xai_jax.runtime.ahead import map_ahead


@runtime_checkable
class Sink(Protocol):
    """Where explanations go: into memory, or onto the disk."""

    def begin(self, known: dict[str, Output]) -> Sequence[int]:
        """Is told what may come; answers which rows are not there yet, in order."""
        ...

    def write(
        self, skipped: dict[int, tuple[str, str]], found: Found | None, seconds: float
    ) -> None:
        """All asked-for rows of one batch: `skipped` ``{row: (reason, digest)}``, and the others.

        `seconds` were spent in the compiled call.
        """
        ...


def explain(run: Run, source: Pictures, sink: Sink) -> None:
    """Explains the rows of `source` that `sink` does not hold yet.

    Pictures are read ahead of the device, and results written behind it, one batch each: memory is
    bounded by the batch. A picture that cannot be read or explained is skipped by name, with its
    reason, and costs no other anything.

    Args:
        run: how; its `check` has passed.
        source: the pictures.
        sink: where the explanations go.

    Raises:
        ValueError: a target function answers a class that there is not, or the method something
            that it does not declare.
        OSError: the disk is full or read-only; whole batches stay.
    """
    known = run.known()
    todo = sink.begin(known)
    worker = Worker(run, source)
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for rows, pictures in _read(run, source, todo):
            answer = worker(rows, pictures)
            if writing is not None:
                writing.result()  # raises what the disk had to say, and bounds what waits for it
            if rows[-1] == todo[-1]:
                sink.write(*answer)  # no batch to compute meanwhile
            else:
                writing = writer.submit(sink.write, *answer)


def _read(
    run: Run, source: Pictures, todo: Sequence[int]
) -> Iterator[tuple[Sequence[int], list[Picture | BadPicture]]]:
    """The pictures that are to do, batch by batch, at most one batch ahead."""
    batch_size, admit = run.batch_size, run.inspector.method.build().admit
    frozen = run.inspector.frozen

    def read(row: int) -> Picture | BadPicture:
        try:
            picture = source.read(row)
            known = numbered(frozen.generator, picture.known)
            if admit is not None:
                admit(frozen, known)
        except BadPicture as reason:
            return reason
        return dataclasses.replace(picture, known=known)

    groups: dict[int, list[int]] = {}
    for row in todo:
        groups.setdefault(row // batch_size, []).append(row)
    stream: Iterator[Picture | BadPicture] = map(read, todo)
    if source.threads:
        ahead = batch_size + source.threads
        stream = map_ahead(read, todo, threads=source.threads, ahead=ahead)
    for rows in groups.values():
        yield rows, [next(stream) for _ in rows]
