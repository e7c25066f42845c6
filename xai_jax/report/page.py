"""The page of a run: one self-contained file, or above `MOST` pictures an index and its pages."""

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from xai_jax.report import alone, cards, overview, paged
from xai_jax.report.entries import entries, pictures
from xai_jax.report.picture import Picture
from xai_jax.runtime import files
from xai_jax.runtime.results import Results

NAME = "report.html"
MOST = 200  # explained pictures in one file: 20 MB at 224 pixels


def write(folder: str | os.PathLike) -> Path:
    """Makes ``report.html`` of a finished or unfinished run, and returns its path.

    Up to `MOST` explained pictures it needs no other file, and with more the folder ``report``
    beside it (`paged`); it never needs a network. Memory holds one batch of pictures at a time.

    Raises:
        ValueError: `folder` does not hold a run.
        OSError: the disk is full or read-only; an older page stays as it was.
    """
    results = Results.read(folder)
    path = results.folder / NAME
    if len(results.rows) > MOST:
        paged.write(results, pictures(results), path)
        return path
    with alone.replaced(path) as file:
        for piece in render(results, pictures(results)):
            file.write(piece)
    files.remove(results.folder / paged.FOLDER)  # of a larger report
    return path


def render(results: Results, explained: Iterable[Picture]) -> Iterator[str]:
    """The one file in pieces.

    Args:
        results: settings, provenance, summary and declarations.
        explained: the pictures that are "done", in the order of the run; read one at a time.
    """
    card = functools.partial(
        cards.card, class_names=results.class_names, region_names=results.manifest.region_names
    )
    template = alone.environment().get_template("template.html")
    return template.generate(
        **overview.known(results), paged=False, up="", entries=entries(results, explained, card)
    )
