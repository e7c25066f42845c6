"""The only training loop: any Trainable, on any mesh, resumed to the byte."""

import contextlib
import dataclasses
import functools
import itertools
import logging
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np

from xai_jax.core.method import Trainable
from xai_jax.core.precision import single
from xai_jax.core.types import PyTree
from xai_jax.experiment import Experiment, ExportFn, Source
from xai_jax.runtime import config_file, distributed, files, mesh
from xai_jax.runtime.ending import Stopped
from xai_jax.runtime.files import place
from xai_jax.runtime.uploaded import Checkpointed, opened, read_best
from xai_jax.train import checks, contents, validation
from xai_jax.train.batches import following, placed
from xai_jax.train.interval import Interval, check_finite, check_state
from xai_jax.train.reporter import Reporter
from xai_jax.train.validation import Standing

CHECKPOINTS = "checkpoints"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended.

    Fields:
        step: steps made, earlier starts included.
        state: after the last of them, replicated over the mesh.
        standing: what the validations said.
        stopped_early: whether the validations ended it before the last step.
    """

    step: int
    state: PyTree
    standing: Standing
    stopped_early: bool


@single
def fit(
    experiment: Experiment, workdir: Path, devices: Sequence[jax.Device] | None = None
) -> Outcome:
    """Trains, or goes on with what `workdir` holds, up to the last step.

    Killed at any moment and started again, it ends with the same bytes of the state and of
    ``metrics.jsonl`` as if it had not been killed. It writes ``config.json``, ``data.json``,
    ``metrics.jsonl``, ``checkpoints/`` (the last two and the best), and ``panels/``,
    ``tensorboard/`` and the exported best weights where wanted.

    Args:
        experiment: what to train, on what.
        workdir: the run's folder; the same for all processes.
        devices: to train on; by default all of all processes.

    Raises:
        ValueError: the method learns nothing across images, its pictures are prepared in another
            way or its classes have other names than the exported file says, the devices do not
            divide the batch, the classifier or the data is missing or unusable, or the folder holds
            another run, one of other data, another architecture, or a process that writes: before
            anything is written. A metric or the state is not finite: the last good checkpoint
            stays. The data ended.
        OSError: the disk is full or read-only; whole checkpoints stay.
        Stopped: a signal that `runtime.ending` listens to; the last step has a checkpoint.
    """
    workdir = place(workdir).absolute()
    trainable = checks.trainable_of(experiment)
    checks.check_pictures(experiment)
    row = mesh.data_mesh(devices)
    mesh.check_batch_size(experiment.batch_size, row)
    config_file.check(workdir, experiment)
    checks.check_classes(experiment)
    checks.check_regions(experiment)
    found = contents.of(experiment)
    contents.check(workdir, found, has_begun=_has_begun(workdir))
    run = _Run(experiment, trainable, row)
    with contextlib.ExitStack() as held:
        if jax.process_index() == 0:
            held.enter_context(files.held(workdir))
            config_file.write(workdir, experiment)
            contents.write(workdir, found)
        checkpoints = held.enter_context(opened(workdir / CHECKPOINTS))
        reporter = held.enter_context(Reporter(workdir, experiment))
        outcome = run.to_the_end(checkpoints, reporter)
    if experiment.export is not None:
        _export(experiment.export, trainable, workdir, outcome.state)
    return outcome


def _has_begun(workdir: Path) -> bool:
    return any(path.name.isdigit() for path in (workdir / CHECKPOINTS).glob("*"))


def _export(export: ExportFn, trainable: Trainable, workdir: Path, state: PyTree) -> None:
    """Writes the weights of the best state, which is read by all processes together."""
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
    )
    best = read_best(workdir / CHECKPOINTS, abstract)
    if jax.process_index() == 0:
        path = export(trainable.weights(best.state), workdir)
        logging.getLogger(__name__).info("Step %d is exported to %s.", best.step, path)


class _Run:
    """The compiled functions of a run, and what it remembers besides its state."""

    def __init__(
        self, experiment: Experiment, trainable: Trainable, row: jax.sharding.Mesh
    ) -> None:
        """Loads what the method reads, and the first batch; what they lack is said here."""
        self._experiment, self._trainable, self._mesh = experiment, trainable, row
        self._whole = mesh.replicated(row)
        self._frozen = mesh.place_replicated(row, experiment.frozen())
        self._key = jax.jit(lambda: jax.random.key(experiment.seed), out_shardings=self._whole)()

        def step(state, frozen, batch, key, number):
            return trainable.step(state, frozen, batch, jax.random.fold_in(key, number))

        # The state alone is donated, and always one that a compiled function has made.
        self._step = jax.jit(step, donate_argnums=0, out_shardings=self._whole)
        self._measure = validation.summed(trainable) if trainable.measure else None
        self._interval, self._standing = Interval(), Standing()
        self._saved = 0  # the last step that has a checkpoint
        self._validates_every = validation.steps_between(experiment)
        with contextlib.closing(self._batches(None, experiment.data)) as batches:
            first = following(batches, 0)
            self._example, _ = first
            seen = itertools.chain([first], batches)
            checks.look(trainable, self._frozen, "data", seen, checks.MOST_LOOKED_AT)
        self._abstract = self._traced()

    def _traced(self) -> PyTree:
        """The state's shapes; the step is traced too, so that what it refuses is refused here."""
        frozen, batch = self._frozen, self._example
        shapes = jax.eval_shape(self._trainable.init, self._key, frozen, batch)
        state = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=self._whole), shapes
        )
        if self._experiment.start is not None:
            jax.eval_shape(self._experiment.start, state)
        jax.eval_shape(self._step, state, frozen, batch, self._key, np.uint32(1))
        self._look_at_validation(state)
        return state

    def _look_at_validation(self, state: PyTree) -> None:
        """Raises where the pictures to validate with are missing or unusable, or the metric is."""
        wanted, measure = self._experiment.validation, self._measure
        if wanted is None or measure is None:
            return
        with contextlib.closing(self._batches(None, wanted.data)) as batches:
            first = next(batches, None)
            if first is None:
                raise ValueError("There are no pictures to validate with; choose another split.")
            batch, _ = first
            seen = itertools.chain([first], batches)
            checks.look(self._trainable, self._frozen, "validation.data", seen, None)
        shapes = jax.eval_shape(measure, state, self._frozen, batch, self._key)["values"]
        values = validation.told(self._trainable, dict.fromkeys(shapes, 1.0))
        validation.check_metric(wanted, values)

    def to_the_end(self, checkpoints: Checkpointed, reporter: Reporter) -> Outcome:
        """Makes every step that is not made yet."""
        self._checkpoints, self._reporter = checkpoints, reporter
        first, state, position = self._begin()
        del self._example  # its memory
        self._reporter.begin(first)
        step = first
        with (
            contextlib.closing(self._batches(position, self._experiment.data)) as batches,
            distributed.gracefully() as asked,
        ):
            for step in range(first + 1, self._experiment.num_steps + 1):
                if self._standing.is_over(self._experiment.validation):
                    step -= 1
                    break
                batch, position = following(batches, step)
                state, metrics = self._step(state, self._frozen, batch, self._key, np.uint32(step))
                self._interval.add(step, metrics)
                state = self._after(step, state, position)
                self._reporter.made(step, is_first=step == first + 1, metrics=metrics)
                if (number := asked(step)) and step < self._experiment.num_steps:
                    self._stop(number, step, state, position)
        return Outcome(
            step=step,
            state=state,
            standing=self._standing,
            stopped_early=step < self._experiment.num_steps,
        )

    def _stop(self, number: int, step: int, state: PyTree, position: Any) -> NoReturn:
        """Ends the run after a step because of a signal; a later start goes on behind it."""
        if step != self._saved:
            check_state(step, state)
            self._save(step, state, position)
        self._checkpoints.wait()
        raise Stopped(number, step)

    def _batches(self, position: Any, data: Source) -> Generator[tuple[PyTree, Any], None, None]:
        size, admit = self._experiment.batch_size, self._trainable.admit
        return placed(data, size, self._mesh, start=position, admit=admit)

    def _begin(self) -> tuple[int, PyTree, Any]:
        """Steps made, the state after them, and where the data goes on."""
        restored = self._checkpoints.restore(self._abstract)
        if restored is None:
            return 0, self._fresh(), None
        self._standing = Standing(**restored.record["standing"])
        self._interval = Interval(restored.record["interval"])
        self._reporter.say(f"Going on after step {restored.step}.")
        return restored.step, self._owned(restored.state), restored.record["position"]

    def _fresh(self) -> PyTree:
        """The state before the first step."""
        init = jax.jit(self._trainable.init, out_shardings=self._whole)
        state = init(self._key, self._frozen, self._example)
        start = self._experiment.start
        return state if start is None else self._owned(start(state))

    def _owned(self, state: PyTree) -> PyTree:
        """A copy: what was read may lie in memory that is not the devices' own to reuse."""
        copy = jax.jit(lambda state: jax.tree.map(jax.numpy.copy, state), out_shardings=self._whole)
        return copy(state)

    def _after(self, step: int, state: PyTree, position: Any) -> PyTree:
        """What is due after a step: a line, a validation, a checkpoint; the state to go on with."""
        experiment = self._experiment
        is_last = step == experiment.num_steps
        every = self._validates_every
        validates = every is not None and (is_last or step % every == 0)
        saves = validates or is_last or step % experiment.checkpoint_every == 0
        if saves or step % experiment.log_every == 0:
            self._reporter.line(step, "train", self._interval.mean())
        if saves:
            check_state(step, state)
        if validates:
            state = self._validate(step, state)
        if experiment.panels is not None and (validates or (saves and every is None)):
            weights = self._trainable.weights(state)
            self._reporter.panels(step, experiment.panels(step, weights, self._frozen))
        if saves:
            self._save(step, state, position)
        return state

    def _validate(self, step: int, state: PyTree) -> PyTree:
        """The state after one more validation."""
        settings_, measure = self._experiment.validation, self._measure
        assert settings_ is not None and measure is not None  # `checks` has looked
        with contextlib.closing(self._batches(None, settings_.data)) as batches:
            # The same key each time, so that validations differ by the state alone.
            values = validation.means(
                measure(state, self._frozen, batch, self._key) for batch, _ in batches
            )
        values = validation.told(self._trainable, values)
        self._reporter.line(step, "valid", values)
        check_finite(step, {f"valid/{name}": value for name, value in values.items()})
        if settings_.metric is not None:
            self._standing = self._standing.after(step, values[settings_.metric], settings_)
        validated, finished = self._trainable.validated, self._trainable.finished
        if validated is not None:
            state = self._changed(step, state, validated(state, values))
        if finished is not None and finished(state):
            self._standing = dataclasses.replace(self._standing, finished=True)
        return state

    def _changed(self, step: int, before: PyTree, after: PyTree) -> PyTree:
        """What `Trainable.validated` made of the state, on the devices; of the same form.

        Raises:
            ValueError: it has another form, with which the compiled step could not go on.
        """
        forms = [
            jax.tree.map(lambda x: (x.shape, x.dtype), jax.eval_shape(lambda x: x, state))
            for state in (before, after)
        ]
        if forms[0] != forms[1]:
            name = type(self._experiment.method).__module__
            raise ValueError(
                f"The `validated` of {name} returns a state of other shapes or types than it was "
                "given; let it change values alone."
            )
        there = jax.tree.map(functools.partial(mesh.place_where_missing, self._mesh), after)
        check_state(step, there)
        return self._owned(there)

    def _save(self, step: int, state: PyTree, position: Any) -> None:
        self._reporter.sync()  # the lines first: a checkpoint counts on those up to its step
        record = {"position": position, "standing": dataclasses.asdict(self._standing)}
        record["interval"] = self._interval.begun()  # of a line that is not due yet
        self._checkpoints.save(step, state, record, self._standing.best_step)
        self._saved = step
