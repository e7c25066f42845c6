"""What the files of a run's data held at its first start, so that it goes on with no others."""

import json
from collections.abc import Mapping
from pathlib import Path

from xai_jax.core import json_file
from xai_jax.experiment import Experiment
from xai_jax.runtime.files import write_whole
from xai_jax.train.checks import data_of

NAME = "data.json"
Contents = Mapping[str, Mapping[str, str] | None]


def of(experiment: Experiment) -> Contents:
    """``{field: {file: digest}}`` of all data; ``None`` for data that has no `digests`.

    Every file is read once.

    Raises:
        OSError: a file cannot be read.
    """
    found = {}
    for name, data in data_of(experiment).items():
        digests = getattr(data, "digests", None)
        found[name] = None if digests is None else digests()
    return found


def check(workdir: Path, now: Contents, *, has_begun: bool) -> None:
    """Refuses to go on with other pictures, labels or masks than the run has learned from.

    Args:
        workdir: the run's folder, which need not exist yet.
        now: of the data as it is.
        has_begun: whether the folder holds a checkpoint.

    Raises:
        ValueError: with the first file that changed.
    """
    path = workdir / NAME
    if not path.exists():
        if has_begun:
            raise ValueError(
                f"{path} is missing, so that nobody knows what the run has learned from; put it "
                "back, or choose another --workdir."
            )
        return
    before = json_file.read(path, Contents, "choose another --workdir")
    for name, files in now.items():
        if name in before and before[name] is None:
            continue  # nobody could say what they held
        change = _change(before.get(name) or {}, files or {})
        if change:
            raise ValueError(
                f"{workdir} has learned from other {name}: {change}; put back what the run began "
                "with, or choose another --workdir."
            )


def write(workdir: Path, contents: Contents) -> None:
    """Writes `NAME`, where it is not there yet."""
    if not (workdir / NAME).exists():
        write_whole(workdir / NAME, (json.dumps(contents, indent=1) + "\n").encode())


def _change(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first file that is not what it was; empty where there is none."""
    for file, digest in before.items():
        if file not in now:
            return f"{file} is there no more"
        if now[file] != digest:
            return f"the content of {file} has changed"
    new = [file for file in now if file not in before]
    return f"{new[0]} is new" if new else ""
