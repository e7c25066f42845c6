"""Says what a run does: metrics, pictures, progress; silent on all processes but the first."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from xai_jax.core.types import PyTree
from xai_jax.experiment import Experiment
from xai_jax.runtime.metric_log import MetricLog
from xai_jax.runtime.progress import Progress


class Reporter:
    """One voice for all processes. A context manager."""

    def __init__(self, workdir: Path, experiment: Experiment) -> None:
        """Opens the log of `workdir`.

        Raises:
            ValueError: tensorboardX is wanted and missing.
        """
        self._total = experiment.num_steps
        self._open = contextlib.ExitStack()
        self._log: MetricLog | None = None
        if jax.process_index() == 0:
            log = MetricLog(workdir, tensorboard=experiment.tensorboard)
            self._log = self._open.enter_context(log)
            self._progress = self._open.enter_context(Progress("training", "steps"))

    def __enter__(self) -> "Reporter":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def begin(self, step: int) -> None:
        """`step` steps are done by an earlier start."""
        if self._log:
            self._log.rewind(step)
            self._progress.start(self._total, step)
            self._progress.note("compiling, once")

    def made(self, step: int, metrics: PyTree, *, is_first: bool) -> None:
        """One more step is on its way; the first of a start waits until it is compiled."""
        if is_first:
            jax.block_until_ready(metrics)
        if self._log:
            if is_first:
                self._progress.start(self._total, step)  # the time left counts compiled steps
            else:
                self._progress.advance(1)

    def line(self, step: int, prefix: str, values: Mapping[str, float]) -> None:
        """One line of metrics, their names under `prefix`."""
        if self._log and values:
            self._log.scalars(step, {f"{prefix}/{name}": v for name, v in values.items()})

    def panels(self, step: int, pictures: Mapping[str, np.ndarray]) -> None:
        """Pictures of the state."""
        if self._log:
            self._log.pictures(step, pictures)

    def say(self, text: str) -> None:
        """One line that stays."""
        if self._log:
            self._progress.say(text)

    def sync(self) -> None:
        """All lines are on the disk."""
        if self._log:
            self._log.sync()
