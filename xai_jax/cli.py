"""The command ``xai-jax``: chooses what to do, and says in one sentence what went wrong."""

import errno
import os
import sys
from collections.abc import Callable, Sequence

_USAGE = """\
usage: xai-jax COMMAND [...]

Explains what an image classifier sees in photographs.

  explain      explain pictures: arrays, a table, an overlay a picture and a report
  predict      the five classes that a classifier finds most likely
  classifiers  what can be loaded, and from where
  merge        join the shards of a run
  report       write the report of a run again

xai-jax COMMAND --help says more.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0, 1 for an error (one sentence on stderr), 2 for wrong arguments, 130
        after Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in {"-h", "--help"}:
        print(_USAGE, end="")
        return 0 if argv else 2
    if argv[0] == "--version":
        import xai_jax

        print(f"xai-jax {xai_jax.__version__}")
        return 0
    return _reported(lambda: _command(argv[0])(argv[1:]))


def _command(name: str) -> Callable[[Sequence[str]], None]:
    commands = {
        "explain": _explain,
        "predict": _predict,
        "classifiers": _classifiers,
        "merge": _merge,
        "report": _report,
    }
    if name not in commands:
        raise ValueError(f"There is no command {name!r}; there are {', '.join(commands)}.")
    return commands[name]


# Each imports its own modules and no others: a report or a typing slip need not wait for jax.


def _explain(argv: Sequence[str]) -> None:
    from xai_jax.commands import explain

    explain.main(argv)


def _predict(argv: Sequence[str]) -> None:
    from xai_jax.commands import predict

    predict.main(argv)


def _classifiers(argv: Sequence[str]) -> None:
    from xai_jax.commands import classifiers

    classifiers.main(argv)


def _merge(argv: Sequence[str]) -> None:
    from xai_jax.commands import merge

    merge.main(argv)


def _report(argv: Sequence[str]) -> None:
    from xai_jax.commands import report

    report.main(argv)


def _reported(work: Callable[[], None]) -> int:
    try:
        work()
    except KeyboardInterrupt:
        return _said(
            "stopped; what was computed is kept, and the same command goes on from there.", 130
        )
    except (ValueError, OSError, MemoryError) as error:
        return _said(_sentence(error), 1)
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return _said("the device's memory is too small; lower --batch-size.", 1)
    return 0


def _said(sentence: str, code: int) -> int:
    print(f"xai-jax: {sentence}", file=sys.stderr)
    return code


def _sentence(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "the memory is too small; lower --batch-size."
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = "free some space and start again: what was computed is kept"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        remedy = "choose a place that you may write to, and files that you may read"
    else:
        remedy = "check that the place exists and can be used"
    return f"{where}{os.strerror(error.errno)}; {remedy}."


def entry() -> None:
    """The console script: ends the process with `main`'s code, at once after Ctrl-C."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    if code == 130:
        os._exit(code)  # a compiled call may still run in a thread, and nothing can stop it
    sys.exit(code)


if __name__ == "__main__":
    entry()
