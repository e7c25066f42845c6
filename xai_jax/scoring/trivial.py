"""What two numbers of a picture say of its classes: a classifier has to be better than that."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from xai_jax.core.errors import BadPicture
from xai_jax.core.settings import Settings
from xai_jax.data.matched import CELLS, ReadNumbers, borders_of, cells_of
from xai_jax.metrics.labels import auc
from xai_jax.scoring.stage import Data


@dataclasses.dataclass(slots=True, kw_only=True)
class Trivial(Settings):
    """A table of 10 x 10 cells: how often the pictures of a cell show each class.

    Fields:
        data: the pictures that fill the table, with labels: those the classifier has learned from.
        numbers: of a picture's name and its pixels ``[h w c]``, the two numbers. The borders of the
            cells are the deciles of each.
        called: what the numbers are, for the page.
    """

    data: Any
    numbers: ReadNumbers
    called: str


def sentence(trivial: Trivial, data: Data) -> str:
    """The macro AUC of the table on `data`: a line of the page; reads every picture."""
    known, labels = _read(trivial, trivial.data)
    asked, truth = _read(trivial, data)
    rates = _table(known, labels, asked)
    areas = np.asarray(auc(jnp.asarray(rates), jnp.asarray(truth)))
    areas = areas[~np.isnan(areas)]
    mean = f"{math.fsum(areas) / len(areas):.3f}" if len(areas) else "undefined"
    return (
        f"What {trivial.called} alone say, by a table of {CELLS} x {CELLS} cells of "
        f"{len(known)} other pictures: macro AUC {mean} on {len(asked)}.\n"
    )


def _read(trivial: Trivial, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """The numbers ``[n 2]`` and labels ``[n k]`` of the pictures that can be read."""
    numbers, labels = [], []
    for row, name in enumerate(data.names):
        try:
            arrays = data.example(row)
        except BadPicture:
            continue
        numbers.append(trivial.numbers(name, arrays["images"]))
        labels.append(arrays["labels"])
    return np.array(numbers, np.float64), np.array(labels, np.float32)


def _table(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """How often the known of the same cell show each class, ``[n k]``.

    Each cell counts one more, which shows each class as often as all of them do.
    """
    borders = borders_of(known)
    counts = np.ones((CELLS**2, 1))
    shown = np.tile(labels.mean(axis=0, dtype=np.float64), (CELLS**2, 1))
    np.add.at(counts, cells_of(borders, known), 1.0)
    np.add.at(shown, cells_of(borders, known), labels)
    rates: np.ndarray = (shown / counts)[cells_of(borders, asked)]
    return rates.astype(np.float32)
