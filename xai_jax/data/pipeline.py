"""Batches from a source of pictures: shuffled, sharded, decoded by workers, and resumable."""

import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from xai_jax.core.types import Batch
from xai_jax.data.example import MAX_CLASSES, VOID, Source, classes_of, picture_of
from xai_jax.data.transforms import Augment, Resize, rng_of

_ENDLESS = 2**50  # rows; Grain asks for a length
_AHEAD = 2  # batches that wait, decoded, to be taken

Masks = Literal["none", "ids", "soft", "union"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Pipeline:
    """How the rows of a source become batches.

    Fields:
        source: the pictures.
        resize: to which size.
        augment: variations, for training only.
        masks: what `Batch.masks` holds. "ids": ``[b h w]`` uint8, 0 background, ``1 + k`` class k,
            255 void, the nearest pixel's; regions of their own (a face's parts) as they are.
            "soft": ``[b h w k]`` float32, the share of each pixel that class k covers. "union":
            ``[b h w 1]``, the same of all true classes together.
        shuffle: a new order each epoch; else the order of the source.
        seed: of the order and of the variations.
        num_threads: workers that decode and resize; Pillow runs outside Python's lock.
    """

    source: Source
    resize: Resize = dataclasses.field(default_factory=Resize)
    augment: Augment | None = None
    masks: Masks = "none"
    shuffle: bool = False
    seed: int = 0
    num_threads: int = dataclasses.field(default_factory=lambda: min(16, os.cpu_count() or 1))

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches that show every picture once; the last one may be padded."""
        return -(-len(self.source) // batch_size)

    def batches(
        self,
        batch_size: int,
        *,
        num_epochs: int | None = 1,
        start_step: int = 0,
        process_index: int = 0,
        process_count: int = 1,
    ) -> "Stream":
        """A stream of core Batches of static shape.

        Step s of all processes together shows the same pictures, whatever their number: each takes
        its equal part of the batch. So all have the same number of batches, and a stream can go on
        with another number of processes.

        `Batch.image_id` is the row's number, the same in every epoch, process and split, whatever
        the variations of the pixels; `target` is the first true class.

        Args:
            batch_size: of all processes together.
            num_epochs: how often each picture is shown; ``None``: without end.
            start_step: the first batch; `Stream.state` says which comes next.
            process_index: which part this process takes.
            process_count: of how many.

        Raises:
            ValueError: there are no pictures, the processes do not divide the batch, or the classes
                do not fit into the masks.
        """
        self._check(batch_size, process_index, process_count)
        part = batch_size // process_count
        steps = self.steps_per_epoch(batch_size)
        length = _ENDLESS // part * part if num_epochs is None else num_epochs * steps * part
        places = _Places(
            pipeline=self,
            batch_size=batch_size,
            part=part,
            first=process_index * part,
            start_step=start_step,
            length=max(0, length - start_step * part),
        )
        return Stream(places)

    def step_of(self, state: Mapping[str, Any], batch_size: int) -> int:
        """The `start_step` that goes on where a stream with `state` stopped.

        Raises:
            ValueError: it was a stream of other pictures, of another order or batch size.
        """
        for name, now in self._identity(batch_size).items():
            if state.get(name) != now:
                raise ValueError(
                    f"The stream was stopped with {name} = {state.get(name)} and would go on with "
                    f"{now}; set it back, or start anew."
                )
        return int(state["step"])

    def _identity(self, batch_size: int) -> dict[str, Any]:
        return {
            "rows": len(self.source),
            "batch_size": batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def _check(self, batch_size: int, process_index: int, process_count: int) -> None:
        if not len(self.source):
            raise ValueError("The data set has no pictures; choose another split or other classes.")
        if batch_size < 1 or batch_size % process_count:
            raise ValueError(
                f"A batch of {batch_size} cannot be shared by {process_count} processes; "
                "choose a multiple of their number."
            )
        if not 0 <= process_index < process_count:
            raise ValueError(f"Process {process_index} is not one of 0 to {process_count - 1}.")
        num_classes = len(self.source.class_names)
        if self.masks == "ids" and num_classes > MAX_CLASSES:
            raise ValueError(
                f"{num_classes} classes do not fit into eight bits; ask for masks='union'."
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Every place of every batch of one process, in order: what Grain reads, at random.

    All of it is a pure function of the place, so that a stream resumes by counting.
    """

    pipeline: Pipeline
    batch_size: int
    part: int
    first: int
    start_step: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, place: int) -> dict[str, np.ndarray]:
        pipeline = self.pipeline
        num_rows = len(pipeline.source)
        step = self.start_step + place // self.part
        epoch, step = divmod(step, pipeline.steps_per_epoch(self.batch_size))
        position = step * self.batch_size + self.first + place % self.part
        index = position % num_rows  # padding repeats pictures, with weight 0
        if pipeline.shuffle:
            index = int(_order(pipeline.seed, epoch, num_rows)[index])
        weight = np.asarray(position < num_rows, np.float32)
        return _arrays(pipeline, index, epoch) | {"weight": weight}


class Stream:
    """Batches one after the other, decoded ahead by threads."""

    def __init__(self, places: _Places):
        """Starts to read."""
        self._places = places
        self._step = places.start_step
        self._rows = self._read()

    def _read(self) -> Iterator[dict[str, np.ndarray]]:
        import grain  # takes half a second: not before pictures are wanted

        options = grain.ReadOptions(
            num_threads=self._places.pipeline.num_threads,
            prefetch_buffer_size=_AHEAD * self._places.part,
        )
        rows = grain.MapDataset.source(self._places).to_iter_dataset(options)
        return iter(rows.batch(self._places.part))

    def __iter__(self) -> "Stream":
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

    def state(self) -> dict[str, Any]:
        """Where the stream stands, for JSON: `Pipeline.step_of` takes it back."""
        identity = self._places.pipeline._identity(self._places.batch_size)
        return {"step": self._step} | identity


@functools.lru_cache(maxsize=4)
def _order(seed: int, epoch: int, num: int) -> np.ndarray:
    """A permutation; from raw bits, which NumPy keeps the same in all versions."""
    bits = np.random.Philox(np.random.SeedSequence([seed, epoch])).random_raw(num)
    return np.argsort(bits, kind="stable")


def _arrays(pipeline: Pipeline, index: int, epoch: int) -> dict[str, np.ndarray]:
    example = pipeline.source[index]
    image = picture_of(example)
    ids = None if pipeline.masks == "none" else classes_of(example, image.size)
    if pipeline.augment is not None:
        image, ids = pipeline.augment(image, ids, rng_of(pipeline.seed, epoch, example.row))
    arrays: dict[str, Any] = {
        "images": pipeline.resize.pixels(image),
        "target": np.int32(example.target),
        "image_id": np.uint32(example.row),
        "labels": example.labels.astype(np.float32),
    }
    if ids is not None:
        if example.regions and pipeline.masks != "ids":
            raise ValueError(
                f"The masks of {example.name} are regions and not its classes; ask for masks='ids'."
            )
        arrays["masks"] = _masks(pipeline, ids, example.labels)
    return arrays


def _masks(pipeline: Pipeline, ids: np.ndarray, labels: np.ndarray) -> np.ndarray:
    resize = pipeline.resize
    if pipeline.masks == "ids":
        return resize.ids(ids).astype(np.uint8)
    if pipeline.masks == "union":
        true = np.isin(ids, 1 + np.flatnonzero(labels))
        return resize.share(true)[..., None]
    soft = np.zeros((resize.height, resize.width, len(labels)), np.float32)
    for number in np.unique(ids):
        if number not in (0, VOID):
            soft[..., number - 1] = resize.share(ids == number)
    return soft
