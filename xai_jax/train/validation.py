"""How good the state is on pictures that it does not learn from, and whether to go on."""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.method import Trainable
from xai_jax.core.types import PyTree
from xai_jax.experiment import Experiment, Validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """What the validations have said so far; it goes into the checkpoint.

    Fields:
        best: value of the deciding metric at `best_step`.
        best_step: the last step that was better than all before; ``None`` before the first.
        mark: the last value that was better than the mark before it by more than `min_delta`.
        stale: validations since then: when to stop, never which step is best.
        finished: whether what is trained has said that it is at its end.
    """

    best: float | None = None
    best_step: int | None = None
    mark: float | None = None
    stale: int = 0
    finished: bool = False

    def after(self, step: int, value: float, settings: Validation) -> "Standing":
        """The standing after one more validation."""
        sign = 1.0 if settings.maximise else -1.0
        best, best_step = self.best, self.best_step
        if best is None or sign * (value - best) > 0:
            best, best_step = value, step
        mark, stale = self.mark, self.stale + 1
        if mark is None or sign * (value - mark) > settings.min_delta:
            mark, stale = value, 0
        return Standing(best=best, best_step=best_step, mark=mark, stale=stale)

    def is_over(self, settings: Validation | None) -> bool:
        """Whether patience has run out, or what is trained is at its end."""
        patience = None if settings is None else settings.patience
        return self.finished or (patience is not None and self.stale >= patience)


def steps_between(experiment: Experiment) -> int | None:
    """Steps from one validation to the next; ``None``: there is none.

    Raises:
        ValueError: it is an epoch, and the data does not tell how long that is.
    """
    if experiment.validation is None or experiment.validation.every:
        return None if experiment.validation is None else experiment.validation.every
    steps_per_epoch = getattr(experiment.data, "steps_per_epoch", None)
    if steps_per_epoch is None:
        raise ValueError(
            f"validation.every is 0, an epoch, and {type(experiment.data).__name__} does not tell "
            "how many steps one has; set the number of steps."
        )
    return steps_per_epoch(experiment.batch_size)


def summed(trainable: Trainable) -> Callable[..., dict[str, jax.Array]]:
    """Its `measure` compiled, with the sums over the real pictures and their number, "count"."""
    measure = trainable.measure
    assert measure is not None  # `checks` has looked

    def sums(state, frozen, batch, key):
        values = measure(trainable.weights(state), state, frozen, batch, key)
        totals = jax.tree.map(lambda x: jnp.sum(batch.weight * x), values)
        return {"values": totals, "count": jnp.sum(batch.weight)}

    return jax.jit(sums)


def means(sums: Iterable[PyTree]) -> dict[str, float]:
    """Means over all batches of what `summed` said of each; read one by one, in bounded memory.

    Raises:
        ValueError: there is no real picture.
    """
    read = [jax.device_get(batch) for batch in sums]
    count = math.fsum(float(batch["count"]) for batch in read)
    if not count:
        raise ValueError("The validation data holds no picture of weight above 0.")

    def mean(name: Any) -> float:
        return math.fsum(float(batch["values"][name]) for batch in read) / count

    return {name: mean(name) for name in read[0]["values"]}


def told(trainable: Trainable, means: dict[str, float]) -> dict[str, float]:
    """What is said of a validation with these means; see `core.method.Trainable.summary`."""
    return means if trainable.summary is None else trainable.summary(means)


def check_metric(wanted: Validation, measured: Collection[str]) -> None:
    """Raises a ValueError where what decides is not among what is measured, or is missing."""
    if wanted.metric is None and wanted.patience is not None:
        raise ValueError("validation.patience goes by a metric; name one, or leave it out.")
    if wanted.metric not in (None, *measured):
        raise ValueError(
            f"validation.metric is {wanted.metric}, but what is measured is "
            f"{', '.join(sorted(measured))}; name one of these."
        )
