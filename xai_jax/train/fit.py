"""The only training loop: any Trainable, on any mesh, resumed to the byte."""

import contextlib
import dataclasses
import logging
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xai_jax.core.method import Method, Trainable
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.types import PyTree
from xai_jax.experiment import Experiment, Export, Source
from xai_jax.runtime import config_file, files, mesh
from xai_jax.runtime.checkpoint import Checkpoints, read_best
from xai_jax.train import validation
from xai_jax.train.batches import placed
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
        stopped_early: whether patience ran out before the last step.
    """

    step: int
    state: PyTree
    standing: Standing
    stopped_early: bool


def fit(
    experiment: Experiment, workdir: Path, devices: Sequence[jax.Device] | None = None
) -> Outcome:
    """Trains, or goes on with what `workdir` holds, up to the last step.

    Killed at any moment and started again, it ends with the same bytes of the state and of
    ``metrics.jsonl`` as if it had not been killed. It writes ``config.json``, ``metrics.jsonl``,
    ``checkpoints/`` (the last two and the best), and ``panels/``, ``tensorboard/`` and the exported
    best state where wanted.

    Args:
        experiment: what to train, on what.
        workdir: the run's folder; the same for all processes.
        devices: to train on; by default all of all processes.

    Raises:
        ValueError: the method learns nothing across images, its pictures are prepared in another
            way than the exported file says, the devices do not divide the batch, the classifier or
            the data is missing or unusable, or the folder holds another run, another architecture,
            or a process that writes: before anything is written. A metric or the state is not
            finite: the last good checkpoint stays. The data ended.
        OSError: the disk is full or read-only; whole checkpoints stay.
    """
    workdir = Path(workdir).absolute()
    trainable = _built(experiment)
    _check_pictures(experiment)
    row = mesh.data_mesh(devices)
    mesh.check_batch_size(experiment.batch_size, row)
    config_file.check(workdir, experiment)
    run = _Run(experiment, trainable, row)
    with contextlib.ExitStack() as held:
        if jax.process_index() == 0:
            held.enter_context(files.held(workdir))
            config_file.write(workdir, experiment)
        checkpoints = held.enter_context(Checkpoints(workdir / CHECKPOINTS))
        reporter = held.enter_context(Reporter(workdir, experiment))
        outcome = run.to_the_end(checkpoints, reporter)
    if experiment.export is not None:
        _export(experiment.export, workdir, outcome.state)
    return outcome


def _export(export: Export, workdir: Path, state: PyTree) -> None:
    """Writes the best state, which is read by all processes together."""
    abstract = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state
    )
    best = read_best(workdir / CHECKPOINTS, abstract)
    if jax.process_index() == 0:
        path = export(best.state, workdir)
        logging.getLogger(__name__).info("Step %d is exported to %s.", best.step, path)


def _built(experiment: Experiment) -> Trainable | Method:
    """What to train.

    Raises:
        ValueError: there is nothing to train or nothing to validate with.
    """
    built = experiment.method.build()
    name = type(experiment.method).__module__
    if built.step is None:
        raise ValueError(
            f"{name} learns nothing across images; run xai-jax explain or evaluate.py instead."
        )
    if experiment.validation is not None and built.measure is None:
        raise ValueError(f"{name} measures nothing to validate with; set validation=None.")
    return built


def _check_pictures(experiment: Experiment) -> None:
    """Refuses to train on pictures of another making than the exported file will ask for.

    Raises:
        ValueError: with the first setting that differs and both its values.
    """
    exported = getattr(experiment.export, "preprocess", None)
    judged = None if experiment.validation is None else experiment.validation.data
    for name, data in {"data": experiment.data, "validation.data": judged}.items():
        resize = getattr(data, "resize", None)
        if resize is None or exported is None or resize == exported:
            continue
        fields = (field.name for field in dataclasses.fields(Preprocess))
        field = next(f for f in fields if getattr(resize, f) != getattr(exported, f))
        raise ValueError(
            f"{name}.resize.{field} is {getattr(resize, field)!r} and export.preprocess.{field} is "
            f"{getattr(exported, field)!r}: the exported network would be shown other pictures "
            "than here; set both to the same."
        )


class _Run:
    """The compiled functions of a run, and what it remembers besides its state."""

    def __init__(
        self, experiment: Experiment, trainable: Trainable | Method, row: jax.sharding.Mesh
    ) -> None:
        """Loads what the method reads, and the first batch; what they lack is said here."""
        self._experiment, self._trainable, self._mesh = experiment, trainable, row
        self._whole = mesh.replicated(row)
        self._frozen = mesh.place_replicated(row, experiment.frozen())
        self._key = jax.jit(lambda: jax.random.key(experiment.seed), out_shardings=self._whole)()

        learn = trainable.step
        assert learn is not None  # `_built` has looked

        def step(state, frozen, batch, key, number):
            return learn(state, frozen, batch, jax.random.fold_in(key, number))

        # The state alone is donated, and always one that a compiled function has made.
        self._step = jax.jit(step, donate_argnums=0, out_shardings=self._whole)
        self._measure = validation.summed(trainable.measure) if trainable.measure else None
        self._interval, self._standing = Interval(), Standing()
        self._validates_every = validation.steps_between(experiment)
        with contextlib.closing(self._batches(None, experiment.data)) as batches:
            self._example, _ = _next(batches, 0)
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
            batch, _ = next(batches, (None, None))
        if batch is None:
            raise ValueError("There are no pictures to validate with; choose another split.")
        values = jax.eval_shape(measure, state, self._frozen, batch, self._key)["values"]
        if wanted.metric not in values:
            raise ValueError(
                f"validation.metric is {wanted.metric}, but what is measured is "
                f"{', '.join(sorted(values))}; name one of these."
            )

    def to_the_end(self, checkpoints: Checkpoints, reporter: Reporter) -> Outcome:
        """Makes every step that is not made yet."""
        self._checkpoints, self._reporter = checkpoints, reporter
        first, state, position = self._begin()
        del self._example  # its memory
        self._reporter.begin(first)
        step = first
        with contextlib.closing(self._batches(position, self._experiment.data)) as batches:
            for step in range(first + 1, self._experiment.num_steps + 1):
                if self._standing.is_over(self._experiment.validation):
                    step -= 1
                    break
                batch, position = _next(batches, step)
                state, metrics = self._step(state, self._frozen, batch, self._key, np.uint32(step))
                self._interval.add(step, metrics)
                self._after(step, state, position)
                self._reporter.made(step, is_first=step == first + 1, metrics=metrics)
        return Outcome(
            step=step,
            state=state,
            standing=self._standing,
            stopped_early=step < self._experiment.num_steps,
        )

    def _batches(self, position: Any, data: Source) -> Generator[tuple[PyTree, Any], None, None]:
        return placed(data, self._experiment.batch_size, self._mesh, start=position)

    def _begin(self) -> tuple[int, PyTree, Any]:
        """Steps made, the state after them, and where the data goes on."""
        restored = self._checkpoints.restore(self._abstract)
        if restored is None:
            return 0, self._fresh(), None
        self._standing = Standing(**restored.record["standing"])
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

    def _after(self, step: int, state: PyTree, position: Any) -> None:
        """What is due after a step: a line, a validation, a checkpoint."""
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
            self._validate(step, state)
        if experiment.panels is not None and (validates or (saves and every is None)):
            self._reporter.panels(step, experiment.panels(step, state, self._frozen))
        if saves:
            self._save(step, state, position)

    def _validate(self, step: int, state: PyTree) -> None:
        settings_, measure = self._experiment.validation, self._measure
        assert settings_ is not None and measure is not None  # `_built` has looked
        with contextlib.closing(self._batches(None, settings_.data)) as batches:
            # The same key each time, so that validations differ by the state alone.
            values = validation.means(
                measure(state, self._frozen, batch, self._key) for batch, _ in batches
            )
        self._reporter.line(step, "valid", values)
        check_finite(step, {f"valid/{name}": value for name, value in values.items()})
        self._standing = self._standing.after(step, values[settings_.metric], settings_)

    def _save(self, step: int, state: PyTree, position: Any) -> None:
        self._reporter.sync()  # the lines first: a checkpoint counts on those up to its step
        record = {"position": position, "standing": dataclasses.asdict(self._standing)}
        self._checkpoints.save(step, state, record, self._standing.best_step)


def _next(batches: Iterator[tuple[PyTree, Any]], step: int) -> tuple[PyTree, Any]:
    try:
        return next(batches)
    except StopIteration:
        raise ValueError(
            f"The data ended before step {step}; a source to train on repeats itself without end."
        ) from None
