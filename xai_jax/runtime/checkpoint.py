"""Checkpoints of a run, whole or absent, for any number of devices: all of Orbax is here."""

import contextlib
import dataclasses
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
import tensorstore as ts
from jax.experimental import multihost_utils
from orbax.checkpoint import checkpoint_managers as policies

from xai_jax.core.types import PyTree
from xai_jax.runtime import files, leaves
from xai_jax.runtime.leaves import OtherLeaves

_LOG = logging.getLogger(__name__)
_DAMAGED = "damaged"  # beside the checkpoints: those that could not be read
_REMEDY = "take the config that the run began with"
_LATEST = 2  # kept besides the best, so that a damaged one has a predecessor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restored:
    """What a checkpoint held.

    Fields:
        step: of the run.
        state: laid out as the abstract state said.
        record: what the run wrote beside its state; JSON.
    """

    step: int
    state: PyTree
    record: dict[str, Any]


class _Best(policies.PreservationPolicy):
    """Keeps the checkpoint of the step that was best so far."""

    step: int | None = None

    def should_preserve(
        self,
        checkpoints: Sequence[Any],
        *,
        context: Any,
    ) -> Sequence[bool]:
        del context
        return [checkpoint.step == self.step for checkpoint in checkpoints]


class Checkpoints:
    """The checkpoints of a run: the last two and the best. A context manager."""

    def __init__(self, folder: Path, *, own: bool = False) -> None:
        """Opens `folder`, or makes it.

        Args:
            folder: an absolute path.
            own: it is there, and this process' own: no other of the run's takes part.

        Raises:
            OSError: the disk is full or read-only.
        """
        for name in ("absl", "asyncio"):
            logging.getLogger(name).addFilter(_is_news)  # the same one again adds nothing
        self._folder = folder
        self._best = _Best()
        options = ocp.CheckpointManagerOptions(
            preservation_policy=policies.AnyPreservationPolicy(
                [policies.LatestN(_LATEST), self._best]
            ),
            save_decision_policy=policies.FixedIntervalPolicy(1),
            cleanup_tmp_directories=True,  # what a kill during a save has left
            create=not own,
            multiprocessing_options=_alone() if own else ocp.options.MultiprocessingOptions(),
        )
        with _disk(folder):
            self._manager = ocp.CheckpointManager(folder, options=options)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, error: type[BaseException] | None, *rest: object) -> None:
        # What is being written is finished in any case, but its failure must not hide another.
        with contextlib.suppress(Exception) if error else _disk(self._folder):
            self._manager.close()

    def save(self, step: int, state: PyTree, record: dict[str, Any], best: int | None) -> None:
        """Copies the state to the host and writes it behind the run's back.

        Args:
            step: greater than that of every earlier checkpoint.
            state: a pytree of arrays.
            record: JSON-able; what the run needs besides.
            best: the step whose checkpoint is kept as the best; ``None``: there is none.

        Raises:
            OSError: the disk is full or read-only, now or at the save before.
        """
        self._best.step = best
        content = {"record": record, "best": best, "leaves": leaves.described(state)}
        arguments = ocp.args.Composite(
            state=ocp.args.StandardSave(state), run=ocp.args.JsonSave(content)
        )
        with _disk(self._folder):
            self._manager.save(step, args=arguments)

    def wait(self) -> None:
        """Returns when all that was saved is on the disk.

        Raises:
            OSError: the disk is full or read-only.
        """
        with _disk(self._folder):
            self._manager.wait_until_finished()

    def restore(self, abstract: PyTree) -> Restored | None:
        """The last checkpoint that can be read; ``None`` where there is none at all.

        One that cannot be read is set aside, with a warning, and the one before is tried.

        Args:
            abstract: ``jax.ShapeDtypeStruct`` with the shardings that are wanted.

        Raises:
            OtherLeaves: with the first leaf that differs.
            ValueError: there are checkpoints and none of them can be read.
        """
        steps = sorted(self._manager.all_steps(), reverse=True)
        for step in steps:
            try:
                content = self._read(step, abstract)
            except OtherLeaves:
                raise
            except Exception as error:  # whatever Orbax or TensorStore make of damaged bytes
                _LOG.warning("Checkpoint %s is damaged (%s).", self._folder / str(step), _of(error))
                self._set_aside(step)
                continue
            self._best.step = content.run["best"]
            return Restored(step=step, state=content.state, record=content.run["record"])
        if steps:
            raise ValueError(
                f"None of the checkpoints in {self._folder} can be read; "
                "begin anew in another --workdir."
            )
        return None

    def reload(self) -> None:
        """Looks anew at what the folder holds."""
        self._manager.reload()

    def _read(self, step: int, abstract: PyTree) -> Any:
        run = self._manager.restore(step, args=ocp.args.Composite(run=ocp.args.JsonRestore())).run
        leaves.check(run["leaves"], abstract, self._folder / str(step), _REMEDY)
        _check_whole(self._folder / str(step) / "state")
        arguments = ocp.args.Composite(
            state=ocp.args.StandardRestore(abstract), run=ocp.args.JsonRestore()
        )
        return self._manager.restore(step, args=arguments)

    def _set_aside(self, step: int) -> None:
        if jax.process_index() == 0:
            aside = self._folder.parent / _DAMAGED / str(step)
            shutil.rmtree(aside, ignore_errors=True)
            aside.parent.mkdir(exist_ok=True)
            os.rename(self._folder / str(step), aside)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices(f"damaged checkpoint {step}")
        self._manager.reload()


def _alone() -> ocp.options.MultiprocessingOptions:
    """Of a process that waits for no other."""
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process{me}"
    )


def read_best(folder: Path, abstract: PyTree) -> Restored:
    """The best checkpoint of a run (the last one, of a run without validation), to use it.

    Args:
        folder: the run's ``checkpoints``.
        abstract: as in `Checkpoints.restore`; ``jax.eval_shape`` of the init makes one.

    Raises:
        OtherLeaves: with the first leaf that differs.
        ValueError: there is none, or it is damaged.
    """
    steps = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    if not steps:
        raise ValueError(f"{folder} holds no checkpoint; train first.")
    last = max(steps)
    with ocp.Checkpointer(ocp.JsonCheckpointHandler()) as reader:
        best = reader.restore(folder / str(last) / "run")["best"]
    return read_step(folder, last if best is None else best, abstract)


def read_step(folder: Path, step: int, abstract: PyTree) -> Restored:
    """The checkpoint of one step; arguments and errors as those of `read_best`."""
    with ocp.Checkpointer(ocp.JsonCheckpointHandler()) as reader:
        content = reader.restore(folder / str(step) / "run")
    leaves.check(content["leaves"], abstract, folder / str(step), _REMEDY)
    _check_whole(folder / str(step) / "state")
    with ocp.StandardCheckpointer() as states:
        state = states.restore(folder / str(step) / "state", abstract)
    return Restored(step=step, state=state, record=content["record"])


def _check_whole(state: Path) -> None:
    """Reads every byte of a state once, one after the other.

    Orbax reads all arrays at the same time and at the first failure leaves the rest to themselves:
    their answers then come to an event loop that is closed, and each prints a traceback.

    Raises:
        ValueError: something is missing or too short.
    """
    stored = ts.KvStore.open({"driver": "ocdbt", "base": state.as_uri()}).result()
    for name in stored.list().result():
        stored.read(name).result()


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """What the operating system says, with the folder's name where it has none, and nothing else.

    TensorStore says it within a ValueError, and Orbax also logs each error with a traceback.

    Raises:
        OSError: the disk is full or read-only.
    """
    try:
        with files.named(folder):
            yield
    except ValueError as error:
        found = files.of_disk(error, folder)
        if found is error:
            raise
        raise found from error


def _is_news(record: logging.LogRecord) -> bool:
    """Not of an error that Orbax logs and then raises."""
    is_of_orbax = "/orbax/" in record.pathname or "/orbax/" in record.getMessage()
    return record.levelno < logging.ERROR or not is_of_orbax


def _of(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
