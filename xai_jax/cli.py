"""The command ``xai-jax``: chooses what to do, and says in one sentence what went wrong."""

import os
import sys
from collections.abc import Callable, Sequence

from xai_jax.runtime import ending

_USAGE = """\
usage: xai-jax COMMAND [...]

Explains what an image classifier sees in photographs.

  explain      explain pictures: arrays, a table, overlays and a report
  predict      the five classes that a classifier finds most likely
  classifiers  what can be loaded, and from where
  merge        join the shards of a run
  report       write the report of a run again
  train        train the experiment of a config file
  evaluate     score the evaluation of a config file
  convert      released weights of an infill, for --infill-weights

xai-jax COMMAND --help says more, xai-jax --version which this is. Examples:

  xai-jax explain --classifier efficientnet_lite0 --out results photo.jpg
  xai-jax explain --classifier model.onnx --mean 0.485 0.456 0.406 \\
      --std 0.229 0.224 0.225 --method gradcam --out results PICTURES
  xai-jax train --config=my_config.py --workdir=runs/mine
"""

_TRAIN = """\
usage: xai-jax train --config=FILE --workdir=FOLDER [--config.FIELD=VALUE]

Trains the experiment that the config file's get_config() returns; a second
start of the same command goes on where the first ended. For example:

  xai-jax train --config=my_config.py --workdir=runs/mine
  xai-jax train --config=my_config.py --workdir=runs/short \\
      --config.num_steps=100
"""
_EVALUATE = """\
usage: xai-jax evaluate --config=FILE --workdir=FOLDER [--config.FIELD=VALUE]

Scores the evaluation that the config file's get_config() returns, and prints
the table; a second start of the same command goes on where the first ended.
For example:

  xai-jax evaluate --config=my_scores.py --workdir=runs/scores
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0, 1 for an error (one sentence on stderr), 2 for wrong arguments, 130
        after Ctrl-C, 143 after SIGTERM.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in {"-h", "--help"}:
        print(_USAGE, end="")
        return 0 if argv else 2
    if argv[0] == "--version":
        import xai_jax

        print(f"xai-jax {xai_jax.__version__}")
        return 0
    work = lambda: _run(argv[0], argv[1:])  # noqa: E731
    if argv[0] in _WITH_CONFIG:
        return ending.reported(f"xai-jax {argv[0]}", work, batch_size="--config.batch_size")
    return ending.reported("xai-jax", work)


_WITH_CONFIG = ("train", "evaluate")


def _run(name: str, argv: Sequence[str]) -> None:
    command = _command(name)
    _check_words(argv)
    command(argv)


def _command(name: str) -> Callable[[Sequence[str]], None]:
    commands = {
        "explain": _explain,
        "predict": _predict,
        "classifiers": _classifiers,
        "merge": _merge,
        "report": _report,
        "train": _train,
        "evaluate": _evaluate,
        "convert": _convert,
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


def _train(argv: Sequence[str]) -> None:
    from xai_jax.train import program

    _configured(_TRAIN, "train", argv)
    program.main()


def _evaluate(argv: Sequence[str]) -> None:
    from xai_jax.scoring import program

    _configured(_EVALUATE, "evaluate", argv)
    program.main()


def _configured(usage: str, name: str, argv: Sequence[str]) -> None:
    """What a program with a config file finds as python finds it: flags, words, own modules."""
    sys.argv = [f"xai-jax {name}", *argv]  # absl reads the flags from there
    sys.modules["__main__"].__doc__ = usage  # and shows this for --help
    sys.path.insert(0, os.getcwd())  # for what the config imports, as beside train.py


def _convert(argv: Sequence[str]) -> None:
    from xai_jax.commands import convert

    convert.main(argv)


def _check_words(argv: Sequence[str]) -> None:
    """Refuses an empty word, which would stand for the folder that one is in."""
    for before, word in zip(["", *argv], argv, strict=False):
        if not word or (word.startswith("--") and word.endswith("=")):
            flag = word or (before if before.startswith("--") else "")
            what = f"What {flag.rstrip('=')} names" if flag else "An argument"
            raise ValueError(f"{what} is empty; give it a value, or leave it out.")


def entry() -> None:
    """The console script: ends the process with `main`'s code, at once after a signal."""
    ending.listen("xai-jax")
    # A name that is no UTF-8 is printed as the bytes that it is.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    ending.leave(main())


if __name__ == "__main__":
    entry()
