"""Experiment: the typed root of a run, which a config file constructs and the loops take apart."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from xai_jax.core.domains import Count, Natural, NotNegative, Seed
from xai_jax.core.method import Builds, Explained, Frozen, Method, Trainable
from xai_jax.core.settings import Settings


@runtime_checkable
class Stream(Protocol):
    """Batches of one process, one after the other."""

    def __next__(self) -> Any:
        """The next `core.types.Batch` (or a pytree of ``[b ...]`` arrays) in host memory.

        Raises:
            StopIteration: there is none; a stream to train on never ends.
        """
        ...

    @property
    def state(self) -> Any:
        """JSON-able: where the stream stands, after the batch that was last returned.

        The same on all processes, since it says where the run stands.
        """
        ...


@runtime_checkable
class Source(Protocol):
    """Where batches come from; a dataclass of settings.

    It may also know the names of its classes (`class_names`), how many steps an epoch has
    (`steps_per_epoch`), how its pictures are resized (`resize`) and what its files hold
    (``digests() -> {file: digest}``): then they are looked at before a run begins.
    """

    def batches(
        self, batch_size: int, *, start: Any, process_index: int, process_count: int
    ) -> Stream:
        """The batches from a position on.

        Args:
            batch_size: rows of a batch over all processes; a process gets its equal share of them.
            start: ``None`` for the beginning, or what `Stream.state` was.
            process_index: whose share; every process gets as many batches.
            process_count: of how many.
        """
        ...


# (step, weights, frozen) -> {name: [h w 3] or [h w] uint8}, to be looked at while training.
Panels = Callable[[int, Any, Any], Mapping[str, np.ndarray]]


@runtime_checkable
class Start(Protocol):
    """What a fresh state takes over from elsewhere: pretrained weights."""

    def __call__(self, state: Any) -> Any:
        """The state with some of its leaves replaced, each by one of the same shape and type."""
        ...


# (weights, workdir) -> path: what a finished run leaves behind, a file of `workdir`; one that has
# `class_names` or `preprocess` is held to those of the data. So is
# `runtime.weights_file.WeightsFile`.
ExportFn = Callable[[Any, Path], Path]


@dataclasses.dataclass(slots=True, kw_only=True)
class Validation(Settings):
    """How a run is judged while it trains.

    Fields:
        data: a `Source` whose stream ends, after the same number of batches on every process.
        every: steps from one validation to the next; 0: once an epoch, of training data that tells
            how many steps one has (`steps_per_epoch`). The last step is validated too.
        metric: the name, among what `Trainable.measure` returns, that decides; ``None``: none does,
            and the last state is what is exported. A loss with a critic's part in it, which changes
            from step to step, is no judge of the steps.
        maximise: whether more of it is better.
        min_delta: progress is to be better by more than this, in the metric's unit, than when there
            was progress last. It decides when to stop; the best step is the best by any margin.
        patience: training stops after so many validations in a row without progress; ``None``: it
            never stops early.
    """

    data: Source
    every: Natural
    metric: str | None = "loss"
    maximise: bool = False
    min_delta: NotNegative = 0.0
    patience: Count | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Experiment(Settings):
    """All that a run is made of.

    Fields:
        method: settings of a `Trainable`, or of a `Method` that has one.
        data: where the batches to train on come from.
        num_steps: steps (updates) in all.
        batch_size: rows of a batch, over all devices and processes.
        explained: what the method reads and never trains, the classifier before all; ``None``
            where it reads nothing (its `frozen` is then ``None``).
        start: what the state takes over before the first step; ``None``: nothing.
        validation: ``None``: every step up to the last is made.
        seed: of all randomness of the steps; a source has its own.
        log_every: steps that one line of metrics.jsonl averages.
        checkpoint_every: steps from one checkpoint to the next; validations are saved too.
        panels: pictures to look at while training, made with every validation (or, without one,
            with every checkpoint).
        export: writes the weights of the best state (without validation the last) when the run has
            ended; ``None``: the checkpoints are all that stays.
        tensorboard: also write what metrics.jsonl and the panels say for TensorBoard.
    """

    method: Builds[Trainable | Method]
    data: Source
    num_steps: Count
    batch_size: Count
    explained: Explained | None = None
    start: Start | None = None
    validation: Validation | None = None
    seed: Seed = 0
    log_every: Count = 50
    checkpoint_every: Count = 1000
    panels: Panels | None = None
    export: ExportFn | None = None
    tensorboard: bool = False

    def frozen(self) -> Frozen | None:
        """What the method reads and never trains; ``None`` where that is nothing.

        Raises:
            ValueError: see `Explained.build`.
        """
        return None if self.explained is None else self.explained.build()
