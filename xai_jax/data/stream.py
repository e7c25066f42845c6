"""A stream of batches, decoded ahead by threads, that says where it stands."""

from collections.abc import Mapping
from typing import Any

from xai_jax.core.types import Batch

_AHEAD = 2  # batches that wait, decoded, to be taken


class PictureStream:
    """Batches one after the other: an `experiment.Stream`."""

    def __init__(
        self,
        places: Any,
        part: int,
        *,
        num_threads: int,
        step: int,
        identity: Mapping[str, Any],
    ):
        """Starts to read.

        Args:
            places: a source of Grain: by number, every picture of every batch that is to come, as
                `{field of a Batch: its value}`.
            part: how many of them make a batch.
            num_threads: workers that read.
            step: batches before the first of these.
            identity: for JSON; of what the pictures and their order are.
        """
        import grain  # takes half a second: not before pictures are wanted

        self._step, self._identity = step, identity
        options = grain.ReadOptions(
            num_threads=num_threads, prefetch_buffer_size=max(_AHEAD * part, num_threads)
        )
        rows = grain.MapDataset.source(places).to_iter_dataset(options)
        self._rows: Any = iter(rows.batch(part))

    def __iter__(self) -> "PictureStream":
        return self

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            ValueError: a picture cannot be read; the sentence names it.
        """
        try:
            arrays = next(self._rows)
        except ValueError as error:  # Grain adds lines of its own
            raise ValueError(str(error).splitlines()[0]) from error
        self._step += 1
        return Batch(**arrays)

    def close(self) -> None:
        """Ends the threads; for a stream that is left before its end."""
        self._rows.close()

    @property
    def state(self) -> dict[str, Any]:
        """Where it stands, for JSON: `Pipeline.batches` takes it as `start`."""
        return {"step": self._step, **self._identity}
