"""The metrics of the steps since the last line, left on the devices until the line is written."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from xai_jax.core.types import PyTree

_AHEAD = 2  # steps that are dispatched before an earlier one is waited for: bounds the memory


class NotFinite(ValueError):
    """A number that is NaN or infinite; the message says which, and where."""


class Interval:
    """Collects metrics without waiting for the devices at every step."""

    def __init__(self, begun: Sequence[Sequence[Any]] = ()) -> None:
        """Of nothing, or of what an earlier start has `begun`."""
        self._steps: list[int] = [step for step, _ in begun]
        self._metrics: list[dict[str, Any]] = [values for _, values in begun]

    def add(self, step: int, metrics: dict[str, Any]) -> None:
        """The scalars of a step; waits until the step before the last is done."""
        self._steps.append(step)
        self._metrics.append(metrics)
        if len(self._metrics) > _AHEAD:
            jax.block_until_ready(self._metrics[-1 - _AHEAD])

    def mean(self) -> dict[str, float]:
        """The mean of each metric over the steps since the last call; the next interval begins.

        Raises:
            NotFinite: with the first step at which one is not finite, and its name.
        """
        metrics = [values for _, values in self.begun()]
        self._steps, self._metrics = [], []
        names = metrics[0] if metrics else {}
        return {name: math.fsum(m[name] for m in metrics) / len(metrics) for name in names}

    def begun(self) -> list[list[Any]]:
        """The steps since the last `mean` and their metrics, in JSON's types.

        Raises:
            NotFinite: as `mean`.
        """
        metrics = jax.device_get(self._metrics)
        for step, values in zip(self._steps, metrics, strict=True):
            check_finite(step, values)
        numbers = [{name: float(value) for name, value in m.items()} for m in metrics]
        return [list(pair) for pair in zip(self._steps, numbers, strict=True)]


def check_finite(step: int, values: dict[str, Any]) -> None:
    """Refuses NaN and infinity.

    Raises:
        NotFinite: names the terms; the loss last, which is a sum of the others.
    """
    bad = [name for name, value in values.items() if not np.isfinite(value)]
    if not bad:
        return
    bad.sort(key=lambda name: name.split("/")[-1] == "loss")
    also = f" (and so is {', '.join(bad[1:])})" if bad[1:] else ""
    raise NotFinite(
        f"{bad[0]} is {float(values[bad[0]])} at step {step}{also}; training stops, and the last "
        "good checkpoint stays: raise the method's max_targets, if it has one and a picture shows "
        "more classes than that; else look at the data of that step, or lower the learning rate."
    )


def check_state(step: int, state: PyTree) -> None:
    """Refuses to save a state with NaN or infinity.

    Raises:
        NotFinite: names the first leaf.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        # On the host, where a checkpoint goes next: compiled, hundreds of leaves take 5 seconds.
        inexact = jax.numpy.issubdtype(leaf.dtype, jax.numpy.inexact)
        if inexact and not np.isfinite(np.asarray(leaf)).all():
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise NotFinite(
                f"{name} of the state is not finite after step {step}, though all metrics are; "
                "training stops, and the last good checkpoint stays: lower the learning rate."
            )
