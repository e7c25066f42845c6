"""Flags of a program with a config file, and one sentence for what is wrong with them."""

import dataclasses
import errno
import logging
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from absl import app, flags
from ml_collections import config_flags
from ml_collections.config_flags import config_flags as parsers
from ml_collections.config_flags import config_path

from xai_jax.core.settings import nearest

CONFIG = "config"


class _Refused(Exception):
    """What absl would take for a wrong value, and put into other words, were it a ValueError."""


class _Parser(parsers.ConfigFileFlagParser):
    """Loads the config file."""

    def __init__(self, kind: type) -> None:
        super().__init__(CONFIG)
        self._kind = kind

    def parse(self, path: str) -> Any:
        file, _, choice = path.partition(":")
        if not os.path.isfile(file):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
        try:
            config = super().parse(path)
        except ValueError as error:
            raise _Refused(f"{file}: {error.__context__}") from error.__context__
        except TypeError as error:
            if choice and str(error.__context__).startswith("get_config() takes 0"):
                raise _Refused(f"{file} has no choices; leave out :{choice}.") from None
            raise
        if not isinstance(config, self._kind):
            raise _other(file, config, self._kind)
        for word in sys.argv:
            found = re.match(rf"--?(?:no)?{CONFIG}\.([^=]+)", word)
            if found:
                _check_field(config, found[1])
        return config


def define_config(kind: type) -> flags.FlagHolder:
    """The flag --config FILE, whose ``get_config()`` returns a `kind`.

    Any of its fields, nested ones too, can be set with ``--config.FIELD=VALUE``.
    """
    flag = config_flags.DEFINE_config_file(CONFIG, help_string="Python file with get_config().")
    flags.FLAGS[CONFIG].parser = _Parser(kind)
    flags.mark_flag_as_required(CONFIG)
    return flag


def define_workdir(of: str) -> flags.FlagHolder:
    """The flag --workdir FOLDER.

    Args:
        of: what it is the folder of: the run's, say.
    """
    flag = flags.DEFINE_string("workdir", None, f"{of} folder.", required=True)
    flags.register_validator(
        "workdir", lambda folder: folder != "", message="it is empty; name a folder"
    )
    return flag


def define_processes() -> tuple[flags.FlagHolder, flags.FlagHolder, flags.FlagHolder]:
    """The flags --coordinator, --process-index and --process-count of `distributed.program`."""
    return (
        flags.DEFINE_string("coordinator", None, "host:port of process 0."),
        flags.DEFINE_integer("process-index", None, "This process among all of --coordinator."),
        flags.DEFINE_integer("process-count", None, "The number of processes."),
    )


def run(main: Callable[[], None], shown: Sequence[flags.FlagHolder]) -> None:
    """Reads the command line, and runs `main` if it makes sense.

    Args:
        main: the program.
        shown: its flags, those of --help.

    Raises:
        ValueError: a flag or a field of the config is unknown, or its value makes no sense.
        OSError: the config file cannot be read.
        SystemExit: when `main` has ended, or help was asked for.
    """
    # That there is no TPU, which absl would show: nobody has asked for one.
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)
    for flag in shown:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag.name])
    app.run(lambda _: main(), flags_parser=_parsed)


def _parsed(argv: Sequence[str]) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
    except SystemExit:  # help was asked for, which is no failure, as absl has it
        raise SystemExit(0) from None
    except _Refused as refused:
        raise ValueError(str(refused)) from None
    except flags.Error as error:
        words = " ".join(str(error).split())
        raise ValueError(f"{words.rstrip('.?')}; --help shows the flags.") from None
    if rest[1:]:
        raise ValueError(f"{rest[1]!r} is no flag; --help shows the flags.")
    return rest


def _other(file: str, config: Any, kind: type) -> Exception:
    """What is wrong with something that is not of a kind."""
    try:
        hasattr(config, CONFIG)  # of a file that could not be read, even this raises why
    except OSError as error:
        return error.__cause__ if isinstance(error.__cause__, OSError) else error
    return _Refused(
        f"{file}: get_config() returns {type(config).__name__} and not {kind.__name__}; "
        "train.py takes the configs of experiments, and evaluate.py those of evaluations."
    )


def _check_field(config: Any, path: str) -> None:
    """Refuses a field that does not exist; says which is near."""
    try:
        parts = config_path.split(path)
    except ValueError:
        raise _Refused(f"--{CONFIG}.{path} names no field; write --{CONFIG}.a.b=VALUE.") from None
    holder = config
    for place, part in enumerate(parts):
        if holder is None:
            return  # what may be there is said by its annotation, which absl's flag reads
        names = _names(holder)
        if part not in names:
            above = ".".join(map(str, [CONFIG, *parts[:place]]))
            there = nearest(str(part), map(str, names)) if names else "it has no fields."
            raise _Refused(f"--{above} has no field {str(part)!r}; {there}")
        holder = getattr(holder, part) if dataclasses.is_dataclass(holder) else holder[part]


def _names(holder: Any) -> Collection[Any]:
    """What can be set of a part of a config."""
    if dataclasses.is_dataclass(holder):
        return [field.name for field in dataclasses.fields(holder)]
    if isinstance(holder, Mapping):
        return list(holder)
    return range(len(holder)) if isinstance(holder, list | tuple) else ()
