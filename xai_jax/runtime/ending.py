"""How a program ends, whatever ends it: one sentence on stderr and an exit code.

Nothing heavy is imported, so that a program can listen to signals before it imports the rest.
"""

import contextlib
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from xai_jax.core.errors import StoreError
from xai_jax.runtime.terminal import plain

_LOG = logging.getLogger(__name__)
_GOES_ON = "the same command goes on from there"
_STOPPED = f"what was computed is kept, and {_GOES_ON}."
_SHOW_CURSOR = b"\x1b[?25h"  # a bar may have hidden it
_SIGNALLED = 128  # an exit code above says which signal ended the program


class Stopped(KeyboardInterrupt):
    """The work has come to a good end, because a signal asked it to.

    Fields:
        number: of the signal.
    """

    def __init__(self, number: int, step: int) -> None:
        self.number = number
        super().__init__(f"after step {step}, whose checkpoint is kept, and {_GOES_ON}.")


class _Listener:
    """What SIGINT and SIGTERM come to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_asked_for = False  # whether somebody asks for it between two steps
        self.asked: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self.is_asked_for:
            self._leave(number)
        elif self.asked is None:
            self.asked = number
            _write(f"{self.name}: stopping after this step; Ctrl-C ends it at once.")
        elif number == signal.SIGINT:
            self._leave(number)
        # Else SIGTERM once more: launchers send it to a process and again to its group.

    def _leave(self, number: int) -> NoReturn:
        """Not by an exception, which an import, a callback or a library may catch and go on."""
        with contextlib.suppress(RuntimeError, OSError, ValueError):  # while it is being written
            sys.stdout.flush()
        if sys.stderr is not None and sys.stderr.isatty():
            os.write(2, _SHOW_CURSOR)
        _write(f"{self.name}: {_words(number)}; {_STOPPED}")
        os._exit(_SIGNALLED + number)


_listener: _Listener | None = None


def listen(name: str) -> None:
    """From now on Ctrl-C and SIGTERM end this process, at once, with a sentence and 130 or 143.

    All that this package writes is whole at any moment. What a shell has told to ignore Ctrl-C, a
    job in the background, still does.

    Args:
        name: of the program.
    """
    global _listener
    _listener = _Listener(name)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _listener)
    signal.signal(signal.SIGTERM, _listener)
    sys.unraisablehook = _unraisable
    logging.getLogger("asyncio").addFilter(_is_of_use)


@contextlib.contextmanager
def gracefully() -> Iterator[Callable[[], int | None]]:
    """In the block, a first signal ends nothing, and is told to whoever asks between two steps.

    Ctrl-C once more ends the process. Where nobody listens, in a notebook say, signals do what they
    always do, and the answer is always ``None``.
    """
    if _listener is None:
        yield lambda: None
        return
    listener = _listener
    listener.is_asked_for = True
    try:
        yield lambda: listener.asked
    finally:
        listener.is_asked_for = False


def reported(name: str, work: Callable[[], None], *, batch_size: str = "--batch-size") -> int:
    """Does the work of a program, and says in one sentence what went wrong.

    Args:
        name: of the program.
        work: the rest of it.
        batch_size: the flag that makes it need less memory.

    Returns:
        The exit code: 0, 1 for an error, 130 after Ctrl-C, 143 after SIGTERM.
    """
    try:
        work()
    except Stopped as stopped:
        return _said(name, f"{_words(stopped.number)} {stopped}", _SIGNALLED + stopped.number)
    except KeyboardInterrupt:
        return _said(name, f"{_words(signal.SIGINT)}; {_STOPPED}", _SIGNALLED + signal.SIGINT)
    except (ValueError, OSError, MemoryError, StoreError) as error:
        _LOG.debug("", exc_info=True)
        return _said(name, sentence(error, batch_size=batch_size), 1)
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        _LOG.debug("", exc_info=True)
        return _said(name, f"the device's memory is too small; lower {batch_size}.", 1)
    return 0


def sentence(error: Exception, *, batch_size: str = "--batch-size") -> str:
    """What went wrong and what to do, of an error that is no fault of the program's."""
    if isinstance(error, MemoryError):
        return f"the memory is too small; lower {batch_size}."
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = "free some space and start again: what was computed is kept"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "choose a place that you may write to, and files that you may read"
    elif error.errno in (errno.EEXIST, errno.ENOTDIR):
        remedy = "something that is no folder is in the way: choose another place"
    else:
        remedy = "check that the place exists and can be used"
    return f"{where}{os.strerror(error.errno)}; {remedy}."


def leave(code: int) -> NoReturn:
    """Ends the process; after a signal at once."""
    sys.stdout.flush()
    sys.stderr.flush()
    if code > _SIGNALLED:
        os._exit(code)  # a compiled call may still run in a thread, and nothing can stop it
    sys.exit(code)


def _words(number: int) -> str:
    return "stopped" if number == signal.SIGINT else "stopped by SIGTERM"


def _said(name: str, text: str, code: int) -> int:
    print(plain(f"{name}: {text}"), file=sys.stderr)
    return code


def _write(text: str) -> None:
    """Past Python's own buffer, in which a handler may have interrupted somebody."""
    with contextlib.suppress(OSError):
        os.write(2, f"{plain(text)}\n".encode())


def _is_of_use(record: logging.LogRecord) -> bool:
    """Not where Orbax writes several files at once to a disk that is full.

    The first failure has been raised and said; the others are futures that nobody asks any more.
    """
    return not record.getMessage().startswith("Future exception was never retrieved")


def _unraisable(found: Any) -> None:
    """What could not be raised; of a compiled library, which names no object, it is of no use.

    TensorStore's is that the event loop is gone, which waited for a disk that is full.
    """
    if found.object is not None or found.err_msg is not None:
        sys.__unraisablehook__(found)
    else:
        _LOG.debug("", exc_info=(found.exc_type, found.exc_value, found.exc_traceback))
