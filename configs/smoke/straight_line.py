"""A straight line to learn: a Trainable, each of whose steps has a closed form, and its data.

Both show what training needs of a method and of data of one's own (docs/training.md).
"""

import dataclasses
import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.method import Trainable
from xai_jax.core.rng import example_keys
from xai_jax.core.types import Batch

SIDE, OUTPUTS = 2, 3  # pictures are [SIDE SIDE 1]
FEATURES = SIDE * SIDE


@dataclasses.dataclass(slots=True, kw_only=True)
class Line:
    """``labels = features @ w``, learned by least squares.

    Fields:
        learning_rate, momentum: of SGD, which follows the scale of a gradient, as Adam does not.
        noise: standard deviation of what each step adds to the features; loud, so that a wrong key
            shows.
        micro_batches: as in `mean_loss_and_grad`.
        outputs: columns of w.
        poison: the step (from 1) at which the term "square" becomes NaN, to see how a run that
            breaks ends; 0: never.
        poison_gradient: the step at which only the gradient becomes infinite; 0: never.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    noise: float = 0.3
    micro_batches: int = 1
    outputs: int = OUTPUTS
    poison: int = 0
    poison_gradient: int = 0

    def build(self) -> Trainable:
        """Gradient descent on `squares`."""
        tx = optax.sgd(self.learning_rate, self.momentum or None)

        def init(key, frozen, batch):
            del frozen, batch
            w = jax.random.normal(key, (FEATURES, self.outputs))
            return {"w": w, "tx": tx.init(w), "steps": jnp.int32(0)}

        def loss(w, statistics, batch, key, steps):
            keys = example_keys(key, batch.image_id)
            noise = jax.vmap(lambda k: jax.random.normal(k, (FEATURES,)))(keys)
            square = squares(w, features(batch) + self.noise * noise, batch.labels)
            square = jnp.where(steps + 1 == self.poison, jnp.nan, square)
            return square, {"square": square}, statistics

        def step(state, frozen, batch, key, axis_name=None):
            del frozen
            metrics, grads, _ = mean_loss_and_grad(
                loss,
                state["w"],
                (),
                batch,
                key,
                state["steps"],
                axis_name=axis_name,
                micro_batches=self.micro_batches,
            )
            grads = jnp.where(state["steps"] + 1 == self.poison_gradient, jnp.inf, grads)
            updates, tx_state = tx.update(grads, state["tx"])
            w = optax.apply_updates(state["w"], updates)
            return {"w": w, "tx": tx_state, "steps": state["steps"] + 1}, metrics

        def measure(weights, state, frozen, batch, key):
            del state, frozen, key
            return {"loss": squares(weights, features(batch), batch.labels)}

        weights = operator.itemgetter("w")
        return Trainable(init=init, step=step, measure=measure, weights=weights)


def features(batch: Batch) -> Any:
    """The pixels of each picture, ``[b FEATURES]``."""
    return batch.images.reshape(-1, FEATURES)


def squares(w, x, y):
    """Half the squared error of each row, ``[b]``."""
    return 0.5 * ((x @ w - y[:, : w.shape[1]]) ** 2).sum(-1)


@dataclasses.dataclass(slots=True, kw_only=True)
class LineData:
    """Rows in memory that lie on one line.

    Fields:
        num: rows.
        seed: of the rows and of their order, which is another in every epoch.
        endless: epoch after epoch; else one, in order, its last batch padded.
    """

    num: int = 40
    seed: int = 0
    endless: bool = True

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """``x [num FEATURES]`` and ``y [num OUTPUTS]``."""
        draw = np.random.default_rng(self.seed)
        x = draw.uniform(0, 1, (self.num, FEATURES)).astype(np.float32)
        w = np.random.default_rng(99).normal(size=(FEATURES, OUTPUTS))
        return x, (x @ w).astype(np.float32)

    def batches(self, batch_size, *, start, process_index, process_count) -> "LineStream":
        """A stream of batches, the share of one process in each."""
        return LineStream(self, batch_size, start, process_index, process_count)


class LineStream:
    """The batches of `LineData`, from the row at which another stream stood."""

    def __init__(self, data: LineData, batch_size: int, start, index: int, count: int) -> None:
        self._x, self._y = data.rows()
        self._data, self._size = data, batch_size
        self._taken = 0 if start is None else start["taken"]  # rows, by all processes
        share = batch_size // count
        self._share = slice(index * share, (index + 1) * share)

    @property
    def state(self) -> dict[str, int]:
        """Where it stands: rows that all processes together have taken."""
        return {"taken": self._taken}

    def __next__(self) -> Batch:
        if not self._data.endless and self._taken >= self._data.num:
            raise StopIteration
        row = np.arange(self._taken, self._taken + self._size)[self._share]
        self._taken += self._size
        if not self._data.endless:
            return self._batch(row % self._data.num, row < self._data.num)
        return self._batch(np.array([self._shuffled(n) for n in row]), np.ones(len(row)))

    def _shuffled(self, place: int) -> int:
        epoch, within = divmod(int(place), self._data.num)
        return np.random.default_rng((self._data.seed, epoch)).permutation(self._data.num)[within]

    def _batch(self, row, weight) -> Batch:
        return Batch(
            images=self._x[row].reshape(-1, SIDE, SIDE, 1),
            target=np.zeros(len(row), np.int32),
            image_id=row.astype(np.uint32),
            weight=np.asarray(weight, np.float32),
            labels=self._y[row],
        )
