"""Batches in which a picture without a class and one with it stand side by side."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch
from xai_jax.data.part import Part, showing
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.stream import PictureStream


@dataclasses.dataclass(kw_only=True)  # no slots: its two halves are kept
class Pairs(Settings):
    """The `data` of an Experiment that tells two kinds of pictures apart.

    Even rows have no label of class `of`, odd ones have it; each kind in an order of its own,
    without end. So a batch has as many of both, however rare one is, and an epoch is over when the
    rarer kind is. Batches are whole: what an order leaves over at its end is passed over.

    Fields:
        pictures: those to draw from, shuffled and without end.
        of: the class, by its name; empty: the first one.
    """

    pictures: Pipeline
    of: str = ""

    @property
    def resize(self) -> Preprocess:
        """How its pictures are resized."""
        return self.pictures.resize

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class, in the order of `Batch.labels`."""
        return self.pictures.class_names

    def digests(self) -> dict[str, str] | None:
        """What the files of the source hold, by file; ``None`` where it cannot say."""
        return self.pictures.digests()

    @functools.cached_property
    def halves(self) -> tuple[Pipeline, Pipeline]:
        """The pictures without the class, and those with it.

        Raises:
            ValueError: there is no such class, or no picture of one kind.
        """
        examples = self.pictures.examples
        name, has = showing(examples, self.of)
        for kind, rows in (("without", ~has), ("with", has)):
            if not rows.any():
                raise ValueError(
                    f"There is no picture {kind} the class {name!r}; choose another class."
                )
        fields = {field.name: getattr(self.pictures, field.name) for field in _FIELDS}
        seed = self.pictures.seed  # one of their own each: else pairs would stay together

        def half(rows: np.ndarray, seed: int) -> Pipeline:
            part = Part(whole=examples, rows=tuple(map(int, np.flatnonzero(rows))))
            return _InWholeBatches(**fields | {"source": part, "seed": seed})

        return half(~has, seed), half(has, seed ^ _APART)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches until the rarer kind has been shown once, at least 1."""
        return max(min(map(len, self.halves)) // max(batch_size // 2, 1), 1)

    def batches(
        self,
        batch_size: int,
        *,
        start: Mapping[str, Any] | None = None,
        process_index: int = 0,
        process_count: int = 1,
    ) -> "PairStream":
        """A stream of batches; see `Pipeline.batches`.

        Raises:
            ValueError: likewise; or `batch_size` is odd, or takes more of a kind than there are.
        """
        if batch_size % 2:
            raise ValueError(f"A batch of {batch_size} holds no pairs; set an even batch_size.")
        self._check_numbers(batch_size // 2)
        streams = [
            half.batches(
                batch_size // 2,
                start=None if start is None else start[name],
                process_index=process_index,
                process_count=process_count,
            )
            for name, half in zip(_KINDS, self.halves, strict=True)
        ]
        return PairStream(*streams)

    def _check_numbers(self, wanted: int) -> None:
        for kind, half in zip(_KINDS, self.halves, strict=True):
            if len(half) < wanted:
                name, _ = showing(self.pictures.examples, self.of)
                raise ValueError(
                    f"There are {len(half)} pictures {kind} the class {name!r}, and a batch takes "
                    f"{wanted} of them; set batch_size to {2 * len(half)} or less, or add pictures."
                )


class _InWholeBatches(Pipeline):
    """Pictures of which an epoch has whole batches alone."""

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches that are full; each epoch leaves other pictures over."""
        return max(len(self) // batch_size, 1)


_FIELDS = dataclasses.fields(Pipeline)
_KINDS = ("without", "with")
_APART = 2**31  # of the seeds: the highest bit, which a user hardly sets


class PairStream:
    """Batches of pairs: an `experiment.Stream`."""

    def __init__(self, without: PictureStream, having: PictureStream) -> None:
        """Of one stream of each kind."""
        self._streams = (without, having)

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            ValueError: a picture cannot be read; the sentence names it.
        """
        both = [next(stream) for stream in self._streams]

        def side_by_side(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return np.stack([one, other], axis=1).reshape(-1, *one.shape[1:])

        found: Batch = jax.tree.map(side_by_side, *both)
        return found

    def close(self) -> None:
        """Ends the threads."""
        for stream in self._streams:
            stream.close()

    @property
    def state(self) -> dict[str, Any]:
        """Where both stand, for JSON."""
        return {name: s.state for name, s in zip(_KINDS, self._streams, strict=True)}
