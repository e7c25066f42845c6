"""Explanations kept in memory, as one `Explanation` in the order of the pictures."""

import warnings
from collections.abc import Sequence
from typing import Literal

import jax
import numpy as np

from xai_jax.core.outputs import Output
from xai_jax.core.types import Explanation
from xai_jax.runs.road import Sink
from xai_jax.runs.worker import Found
from xai_jax.runtime.progress import Progress

OnBad = Literal["raise", "skip"]


class Memory:
    """A sink. Rows without a result hold NaN, or -1 where numbers are whole."""

    def __init__(self, names: Sequence[str], on_bad: OnBad = "raise") -> None:
        """For pictures of these names; a bad one is skipped with a warning, or raises."""
        self._names, self._on_bad = names, on_bad
        self._whole: Explanation | None = None

    def begin(self, known: dict[str, Output]) -> Sequence[int]:
        """Every row is to do."""
        del known
        return range(len(self._names))

    def write(
        self, skipped: dict[int, tuple[str, str]], found: Found | None, seconds: float
    ) -> None:
        """Keeps a batch.

        Raises:
            ValueError: a picture is bad and none may be; names it.
        """
        del seconds
        for row, (reason, _) in skipped.items():
            if self._on_bad == "raise":
                raise ValueError(
                    f"{self._names[row]}: {reason} (on_bad='skip' goes on without it.)"
                )
            warnings.warn(f"{self._names[row]} was skipped. {reason}", stacklevel=2)
        if found is None:
            return
        if self._whole is None and len(found.rows) == len(self._names):
            self._whole = found.explanation  # all in one batch: nothing is copied
            return
        if self._whole is None:
            self._whole = jax.tree.map(self._empty, found.explanation)
        rows = np.array(found.rows)
        for there, values in zip(
            jax.tree.leaves(self._whole), jax.tree.leaves(found.explanation), strict=True
        ):
            there[rows] = values

    def result(self) -> Explanation:
        """All of it.

        Raises:
            ValueError: no picture could be explained.
        """
        if self._whole is None:
            raise ValueError("No picture could be explained; the warnings say why.")
        return self._whole

    def _empty(self, values: np.ndarray) -> np.ndarray:
        fill = np.nan if np.issubdtype(values.dtype, np.floating) else -1
        return np.full((len(self._names), *values.shape[1:]), fill, values.dtype)


class Counted:
    """A sink that tells somebody how far it is."""

    def __init__(self, sink: Sink, progress: Progress) -> None:
        """For what goes to `sink`."""
        self._sink, self._progress = sink, progress

    def begin(self, known: dict[str, Output]) -> Sequence[int]:
        """As the sink."""
        todo = self._sink.begin(known)
        self._progress.start(len(todo), 0)
        return todo

    def write(
        self, skipped: dict[int, tuple[str, str]], found: Found | None, seconds: float
    ) -> None:
        """As the sink, and counts what is written."""
        self._sink.write(skipped, found, seconds)
        self._progress.advance(len(skipped) + (len(found.rows) if found else 0))
