"""``xai-jax report``: the page of a run again, from what it has stored."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import tyro

from xai_jax import report


@dataclasses.dataclass(kw_only=True)
class Arguments:
    """Writes report.html of a run, finished or not.

    Args:
        folder: made by "xai-jax explain --out".
    """

    folder: tyro.conf.Positional[Path]


def main(argv: Sequence[str]) -> None:
    """Writes the report, and says where it is."""
    args = tyro.cli(Arguments, args=argv, prog="xai-jax report")
    print(report.write(args.folder))
