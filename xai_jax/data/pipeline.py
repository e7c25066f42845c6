"""Batches from a source of pictures: shuffled, sharded, decoded by workers, and resumable."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xai_jax.core.domains import Natural, Seed
from xai_jax.core.errors import BadPicture
from xai_jax.core.method import Builds
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings
from xai_jax.data import masks, transforms
from xai_jax.data.example import (
    Example,
    Examples,
    classes_of,
    digests_of,
    examples_of,
    picture_of,
    unusable,
)
from xai_jax.data.masks import Masks
from xai_jax.data.stream import PictureStream
from xai_jax.data.transforms import Augment, Crops, Warp, rng_of

Labeller = Callable[[np.ndarray], np.ndarray]

_ENDLESS = 2**40  # steps; Grain asks for a length


@dataclasses.dataclass(kw_only=True)  # no slots: `examples` is kept
class Pipeline(Settings):
    """How the rows of a source become batches: the `data` of an Experiment.

    Single pictures can be read too: ``len(pipeline)``, `names` and `example`.

    Fields:
        source: the pictures, or settings whose `build` finds them.
        resize: what is taken of a picture, and at which size.
        augment: variations, for training only.
        masks: what `Batch.masks` holds. "ids": ``[b h w]`` uint8, 0 background, ``1 + k`` class k,
            255 void, the nearest pixel's; regions of their own (a face's parts) as they are.
            "soft": ``[b h w k]`` float32, the share that class k covers of what is not void of each
            pixel. "union": ``[b h w 1]``, the same of all true classes together. These two come
            with `Batch.counted`, ``[b h w 1]``: the share of each pixel that is not void.
        regions: whether `Batch.regions` holds the numbers of the mask, ``[b h w]`` int32, as the
            data set has them, the nearest pixel's.
        segmenter: in their place, settings that build what makes them of a picture as it is
            batched, ``[h w c] -> [h w]`` (`classifiers.segmenter.Predicted`).
        void_region: of label maps that are the data's own: the number of the region that void, 255,
            is; ``None``: 255 stays, and who learns from regions refuses it, or does not count it.
        void_is_object: for a "union", as NN-Explainer's authors scored on VOC: void is of the true
            classes, and `masks` is 0 or 1, all 1 where a true class covers anything of a pixel.
        shuffle: a new order each epoch; else the order of the source.
        seed: of the order and of the variations.
        num_epochs: how often each picture is shown; 0: without end, to train.
        num_threads: workers that decode and resize; Pillow runs outside Python's lock.
    """

    source: Examples | Builds[Examples]
    resize: Preprocess = dataclasses.field(default_factory=Preprocess)
    augment: Augment | Crops | Warp | None = None
    masks: Masks = "none"
    regions: bool = False
    segmenter: Builds[Labeller] | None = None
    void_region: Natural | None = None
    void_is_object: bool = False
    shuffle: bool = False
    seed: Seed = 0
    num_epochs: Natural = 1
    num_threads: Natural = 8

    @functools.cached_property
    def examples(self) -> Examples:
        """The source, found once."""
        return examples_of(self.source)

    @functools.cached_property
    def labeller(self) -> Labeller | None:
        """What predicts the label maps, found once; ``None``: nothing does."""
        return self.segmenter.build() if self.segmenter else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class, in the order of `Batch.labels`."""
        return self.examples.class_names

    @property
    def region_names(self) -> tuple[str, ...]:
        """Of the numbers in label maps that are predicted; empty where they are the data's own."""
        return tuple(getattr(self.labeller, "names", ()))

    @property
    def names(self) -> tuple[str, ...]:
        """What people call each picture, no two alike."""
        return self.examples.names

    def called(self, image_id: int) -> str:
        """What people call the picture that has this number in a batch; looks through all."""
        for row, name in enumerate(self.names):
            with contextlib.suppress(BadPicture):  # of another one
                if self.examples[row].row == image_id:
                    return name
        return f"Picture {image_id}"

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.examples)

    def example(self, row: int) -> dict[str, np.ndarray]:
        """Picture `row` (of `len(self)`), as it stands in a batch but without that axis.

        Not varied, whatever `augment` says: ``images`` ``[h w c]``, ``target``, ``image_id``,
        ``labels`` ``[k]``, and, as `masks` wants them, ``masks`` and ``counted``.

        Raises:
            BadPicture: it or its mask cannot be read; the sentence does not name it.
            ValueError: its data set has no masks of the kind that `masks` asks for.
        """
        plain = self if self.augment is None else dataclasses.replace(self, augment=None)
        return _arrays(plain, self.examples[row], epoch=0)

    def digests(self) -> dict[str, str] | None:
        """What the files of the source and of the segmenter hold; ``None`` where nobody can say."""
        found = digests_of(self.examples), digests_of(self.labeller)
        return None if found == (None, None) else {**(found[0] or {}), **(found[1] or {})}

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches that show every picture once; the last one may be padded."""
        return -(-len(self.examples) // batch_size)

    def batches(
        self,
        batch_size: int,
        *,
        start: Mapping[str, Any] | None = None,
        process_index: int = 0,
        process_count: int = 1,
    ) -> PictureStream:
        """A stream of core Batches of static shape.

        Step s of all processes together shows the same pictures, whatever their number: each takes
        its equal part of the batch. So all have the same number of batches, and a stream can go on
        with another number of processes.

        `Batch.image_id` is the row's number, the same in every epoch, process and split, whatever
        the variations of the pixels; `target` is the first true class.

        Args:
            batch_size: of all processes together.
            start: where a stream stopped, its `PictureStream.state`; ``None``: at the beginning.
            process_index: which part this process takes.
            process_count: of how many.

        Raises:
            ValueError: there are no pictures, the processes do not divide the batch, the classes or
                what is void do not fit into the masks, or `start` is of a stream of other pictures
                or order.
        """
        self._check(batch_size, process_index, process_count)
        part = batch_size // process_count
        steps = self.steps_per_epoch(batch_size)
        length = (self.num_epochs * steps or _ENDLESS) * part
        start_step = 0 if start is None else self._step_of(start, batch_size)
        places = _Places(
            pipeline=self,
            batch_size=batch_size,
            part=part,
            first=process_index * part,
            start_step=start_step,
            length=max(0, length - start_step * part),
        )
        return PictureStream(
            places,
            part,
            num_threads=self.num_threads,
            step=start_step,
            identity=self._identity(batch_size),
        )

    def _step_of(self, state: Mapping[str, Any], batch_size: int) -> int:
        for name, now in self._identity(batch_size).items():
            if state.get(name) != now:
                raise ValueError(
                    f"The stream was stopped with {name} = {state.get(name)} and would go on with "
                    f"{now}; set it back, or start anew."
                )
        return int(state["step"])

    def _identity(self, batch_size: int) -> dict[str, Any]:
        return {
            "rows": len(self.examples),
            "batch_size": batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def _check(self, batch_size: int, process_index: int, process_count: int) -> None:
        if not len(self.examples):
            raise ValueError("The data set has no pictures; choose another split or other classes.")
        if batch_size < 1 or batch_size % process_count:
            raise ValueError(
                f"A batch of {batch_size} cannot be shared by {process_count} processes; "
                "choose a multiple of their number."
            )
        if not 0 <= process_index < process_count:
            raise ValueError(f"Process {process_index} is not one of 0 to {process_count - 1}.")
        self.check()

    def check(self) -> None:
        """Refuses masks and label maps that are asked for otherwise than they can be read.

        Raises:
            ValueError: with the setting to change.
        """
        num_classes = len(self.examples.class_names)
        masks.check(self.masks, num_classes, void_is_object=self.void_is_object)
        if self.regions and self.segmenter:
            raise ValueError(
                "regions are label maps that come with the data, and a segmenter predicts them; "
                "leave one of the two out."
            )
        if self.void_region is not None and not self.regions:
            raise ValueError(
                "void_region is of label maps that come with the data; set regions=True, or leave "
                "it out."
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
        num_rows = len(pipeline.examples)
        step = self.start_step + place // self.part
        epoch, step = divmod(step, pipeline.steps_per_epoch(self.batch_size))
        position = step * self.batch_size + self.first + place % self.part
        index = position % num_rows  # padding repeats pictures, with weight 0
        if pipeline.shuffle:
            index = int(_order(pipeline.seed, epoch, num_rows)[index])
        weight = np.asarray(position < num_rows, np.float32)
        example = pipeline.examples[index]
        try:
            return _arrays(pipeline, example, epoch) | {"weight": weight}
        except BadPicture as error:
            raise ValueError(unusable(example.name, error)) from error


@functools.lru_cache(maxsize=4)
def _order(seed: int, epoch: int, num: int) -> np.ndarray:
    """A permutation; from raw bits, which NumPy keeps the same in all versions."""
    bits = np.random.Philox(np.random.SeedSequence([seed, epoch])).random_raw(num)
    return np.argsort(bits, kind="stable")


def _arrays(pipeline: Pipeline, example: Example, epoch: int) -> dict[str, np.ndarray]:
    image = picture_of(example)
    wanted = pipeline.regions or pipeline.masks != "none"
    ids = classes_of(example, image.size) if wanted else None
    if pipeline.augment is not None:
        image, ids = pipeline.augment(image, ids, rng_of(pipeline.seed, epoch, example.row))
    arrays: dict[str, Any] = {
        "images": transforms.pixels(pipeline.resize, image),
        "target": np.int32(example.target),
        "image_id": np.uint32(example.row),
        "labels": example.labels.astype(np.float32),
    }
    if pipeline.labeller is not None:
        arrays["regions"] = pipeline.labeller(arrays["images"])
    elif ids is not None and pipeline.regions:
        arrays["regions"] = masks.label_map(pipeline.resize, ids, pipeline.void_region)
    if ids is not None and pipeline.masks != "none":
        if example.regions and pipeline.masks != "ids":
            raise ValueError(
                f"The masks of {example.name} are regions and not its classes; ask for masks='ids'."
            )
        arrays |= masks.of_batch(
            pipeline.resize, pipeline.masks, example, ids, void_is_object=pipeline.void_is_object
        )
    return arrays
