"""``xai-jax report``: the page of a run again, or of several side by side, from what is stored."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from xai_jax import report
from xai_jax.report import comparison
from xai_jax.runtime.files import placed


@dataclasses.dataclass(kw_only=True)
class Arguments:
    """Writes report.html of a run, finished or not.

    Of several runs it writes the page that compares them. For example:
      xai-jax report results
      xai-jax report results/fido results/gradcam --out comparison.html

    Args:
        folders: made by "xai-jax explain --out", or by evaluate.py, one a contestant.
        out: the page of several runs; by default comparison.html in the folder that all lie in.
        scores: per_picture.csv of evaluate.py, whose scores the page of several runs shows too.
    """

    folders: tyro.conf.Positional[tuple[Path, ...]]
    out: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None
    scores: Annotated[Path | None, tyro.conf.arg(metavar="PATH")] = None


def main(argv: Sequence[str]) -> None:
    """Writes the page, and says where it is.

    Raises:
        ValueError: no folder is named, or one run is given what several take.
    """
    args = tyro.cli(Arguments, args=argv, prog="xai-jax report")
    placed(args)
    if not args.folders:
        raise ValueError("There is no folder; name that of a run, or several to compare them.")
    if len(args.folders) > 1:
        out = args.out or comparison.common(args.folders) / comparison.NAME
        print(comparison.write(args.folders, out, args.scores))
        return
    if args.out or args.scores:
        raise ValueError("--out and --scores are of a comparison; name two folders or more.")
    print(report.write(args.folders[0]))
