"""What all pages share: none needs a network."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import jinja2
import numpy as np

from xai_jax.report import panels
from xai_jax.report.wording import probability, signed
from xai_jax.runtime import files


def environment() -> jinja2.Environment:
    """Where the templates are, and how they write numbers."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(signed=signed, probability=probability)
    return made


def ramp() -> list[str]:
    """The colour map as stops of a CSS gradient."""
    return _stops(panels.colour_map(np.linspace(0, 1, 19)))


def signed_ramp() -> list[str]:
    """The same of signed maps."""
    return _stops(panels.signed_colour_map(np.linspace(-1, 1, 3)))


def _stops(colours: np.ndarray) -> list[str]:
    return ["#" + bytes(stop.tolist()).hex() for stop in colours]


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A text file that takes the place of `path` when the block ends well, and goes if it fails."""
    # File names that are no UTF-8 travel as surrogates: shown escaped.
    with (
        files.staged(path) as there,
        open(there, "w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        yield file
