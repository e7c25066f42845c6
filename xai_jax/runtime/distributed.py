"""Several processes that work as one: how they find each other, wait for each other, and end."""

import contextlib
import ctypes
import functools
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils

from xai_jax.core.errors import StoreError
from xai_jax.runtime import ending, launchers
from xai_jax.runtime.ending import Stopped

_LOG = logging.getLogger(__name__)
HEARTBEAT = 30  # seconds without a sign of life after which a process counts as dead
_START = 120  # seconds to wait for the others
_LONGEST = 7 * 24 * 3600  # seconds that a share of the work may take more than another
_END = 60

_PR_SET_PDEATHSIG = 1  # of Linux' prctl
_OTHERS = (
    "another one has ended or cannot be reached; "
    "start all of them again, and they go on from what is kept"
)

# What the runtime says when the others have gone, whichever layer notices first.
_GONE = ("gloo", "nccl", "unavailable", "connection", "heartbeat", "deadline", "aborted")


@contextlib.contextmanager
def program(
    coordinator: str | None,
    process_index: int | None,
    process_count: int | None,
    *,
    batch_size: str = "--config.batch_size",
) -> Iterator[None]:
    """The block of a program that may run as several processes: they join first.

    Must be entered before JAX is first used. Of several processes none waits for those that will
    not come: what goes wrong in one ends it here, with its place in the sentence, and the others
    soon after. What goes wrong in a process that is alone is raised.

    Args:
        coordinator: "host:port" of process 0; ``None``: a launcher tells (see `launchers`), or
            this process is alone.
        process_index: this one's place among all; with `coordinator`.
        process_count: of how many.
        batch_size: the flag that makes the program need less memory.

    Raises:
        ValueError: the arguments make no sense, process 0 does not answer, or the launcher does
            not say who the others are.
    """
    name = os.path.basename(sys.argv[0])
    if logging.getLogger().level >= logging.INFO:
        # Orbax tells the story of every file through this one.
        logging.getLogger("absl").setLevel(logging.WARNING)
    several = _start(coordinator, process_index, process_count)
    try:
        yield
        if several:
            jax.distributed.shutdown()
    except Stopped:
        if several:
            jax.distributed.shutdown()  # all of them stop, after the same step
        raise
    except BaseException as error:
        if several:
            _end(f"{name}: {_sentence(error, batch_size)}", error)
        raise


@contextlib.contextmanager
def gracefully() -> Iterator[Callable[[int], int | None]]:
    """In the block, SIGTERM and of a process that is alone Ctrl-C wait until they are asked for.

    What the block gets is to be called after every step with its number, on all processes. It
    returns the signal after the step at which all are to stop, the same one for all of them.
    """
    if jax.process_count() == 1:
        with ending.gracefully() as asked:
            yield lambda step: asked()
        return
    # The runtime has taken over SIGTERM, and agrees with the others on the step.
    reached = multihost_utils.reached_preemption_sync_point
    yield lambda step: signal.SIGTERM if reached(step) else None


def is_first() -> bool:
    """Whether this process speaks and writes for all: the first one, or the only one."""
    return jax.process_index() == 0


def end_at_once(name: str) -> None:
    """Has SIGTERM end this process at once, which JAX keeps for those that agree on a step.

    Args:
        name: of the program.
    """
    if jax.process_count() > 1:
        ending.listen(name)


def together(what: str) -> None:
    """Returns when all processes are here; nothing is computed, and no device waits.

    A process that dies meanwhile ends the others (see `program`).
    """
    if jax.process_count() > 1:
        from orbax.checkpoint import multihost  # whose front of JAX' own barrier is public

        multihost.get_barrier_sync_fn()(key=what, timeout_ms=1000 * _LONGEST)


def shared(num: int, work: Callable[[range], Sequence[str]], width: int) -> list[str]:
    """The texts of all rows, of which each process makes those of its share.

    Args:
        num: rows.
        work: the texts of some rows.
        width: bytes of a text at most; ASCII.
    """
    count, index = jax.process_count(), jax.process_index()
    own = range(index * num // count, (index + 1) * num // count)
    if count == 1:
        return list(work(own))
    mine = np.zeros(num, f"S{width}")
    mine[own.start : own.stop] = [text.encode() for text in work(own)]
    table = multihost_utils.process_allgather(mine.view(np.uint8).reshape(num, width))
    return [text.decode() for text in table.max(axis=0).view(f"S{width}")[:, 0].tolist()]


def least(number: int) -> int:
    """The least of what the processes say, so that all of them go by one."""
    if jax.process_count() == 1:
        return number
    return int(multihost_utils.process_allgather(np.int32(number)).min())


def _end(sentence: str, error: BaseException) -> None:
    is_expected = isinstance(
        error, ValueError | OSError | StoreError | KeyboardInterrupt
    ) or _is_of_others(error)
    _LOG.log(logging.DEBUG if is_expected else logging.ERROR, "", exc_info=error)
    print(sentence, file=sys.stderr, flush=True)
    # Not sys.exit: what runs at a Python process's end waits for the processes that failed.
    os._exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _start(coordinator: str | None, process_index: int | None, process_count: int | None) -> bool:
    """Whether there are others; then this process has joined them."""
    initialize = functools.partial(
        jax.distributed.initialize,
        initialization_timeout=_START,
        heartbeat_timeout_seconds=HEARTBEAT,
        shutdown_timeout_seconds=_END,
    )
    if coordinator is None:
        if process_index is not None or process_count is not None:
            raise ValueError("--process-index and --process-count need --coordinator host:port.")
        if not launchers.are_there():
            return False
        _supervise()
        launchers.join(initialize)
        return True
    _check(coordinator, process_index, process_count)
    _supervise()
    if process_index:
        _wait_for(coordinator)
    initialize(coordinator, process_count, process_index, cluster_detection_method="deactivate")
    return True


def _check(coordinator: str, process_index: int | None, process_count: int | None) -> None:
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"--coordinator {coordinator} is not of the form host:port.")
    if process_index is None or process_count is None:
        raise ValueError("--coordinator needs --process-index and --process-count.")
    if not 0 <= process_index < process_count:
        raise ValueError(
            f"--process-index {process_index} is outside 0 to {process_count - 1}, "
            f"the places of {process_count} processes."
        )


def _supervise() -> None:
    """Goes on in a child process, while this one waits to say why it ended, should it not.

    JAX aborts a process, from a thread of its own, when process 0 is gone: no handler runs then.
    """
    parent = os.getpid()
    child = os.fork()  # JAX is imported and not started: there are no threads to lose
    if not child:
        _die_with(parent)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts the child too
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGABRT:
        name = os.path.basename(sys.argv[0])
        print(f"{name}: this process stops because {_OTHERS}.", file=sys.stderr, flush=True)
        code = 1
    os._exit(code if code >= 0 else 128 - code)


def _die_with(parent: int) -> None:
    """Ends this process when its parent is gone, even by kill -9. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it went in between


def _wait_for(coordinator: str) -> None:
    """Returns when process 0 listens; JAX itself would abort without a word if it never did."""
    host, _, port = coordinator.rpartition(":")
    deadline = time.monotonic() + _START
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ValueError(
                    f"Process 0 does not answer at {coordinator} ({error}); start it, "
                    "or correct --coordinator."
                ) from None
            time.sleep(0.5)


def _is_of_others(error: BaseException) -> bool:
    is_runtime = isinstance(error, jax.errors.JaxRuntimeError)
    return is_runtime and any(word in str(error).lower() for word in _GONE)


def _sentence(error: BaseException, batch_size: str) -> str:
    me = f"process {jax.process_index()} of {jax.process_count()}"
    if _is_of_others(error):
        return f"{me} stops because {_OTHERS}. ({str(error).splitlines()[0][:200]})"
    if isinstance(error, KeyboardInterrupt):
        return f"{me} was interrupted."
    if not isinstance(error, ValueError | OSError | StoreError):
        return f"{me} stops: {error!r}"
    return f"{me} stops: {ending.sentence(error, batch_size=batch_size)}"
