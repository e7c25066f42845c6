"""Share of the training loop's time that is not spent in the compiled step, with everything on."""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.timing import seconds
from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.method import Trainable
from xai_jax.core.types import Batch
from xai_jax.experiment import Experiment
from xai_jax.train.fit import fit

WIDTH, LAYERS, BATCH = 1024, 6, 256  # 6 million weights, some 60 ms a step on two cores
STEPS, WARM_UP = 120, 10
MUST_REACH = 0.03


@dataclasses.dataclass(slots=True, kw_only=True)
class Perceptron:
    """A stack of square layers that learns to give back what it sees."""

    def build(self) -> Trainable:
        """It."""
        tx = optax.adam(1e-4)

        def init(key, frozen, batch):
            keys = jax.random.split(key, LAYERS)
            weights = [jax.random.normal(k, (WIDTH, WIDTH)) / WIDTH**0.5 for k in keys]
            return {"w": weights, "tx": tx.init(weights)}

        def loss(weights, statistics, batch):
            x = goal = batch.images.reshape(-1, WIDTH)
            for w in weights:
                x = jax.nn.gelu(x @ w)
            square = ((x - goal) ** 2).mean(-1)
            return square, {"square": square, "size": jnp.abs(x).mean(-1)}, statistics

        def step(state, frozen, batch, key, axis_name=None):
            metrics, grads, _ = mean_loss_and_grad(loss, state["w"], (), batch, axis_name=axis_name)
            updates, tx_state = tx.update(grads, state["tx"])
            return {"w": optax.apply_updates(state["w"], updates), "tx": tx_state}, metrics

        return Trainable(init=init, step=step)


TAKEN: list[float] = []  # when each batch was asked for


@dataclasses.dataclass(slots=True, kw_only=True)
class Repeated:
    """The same batch again and again, so that reading costs nothing; notes when it is asked."""

    def batches(self, batch_size, *, start, process_index, process_count):
        """The stream."""
        TAKEN.clear()
        return Stream()


class Stream:
    """One batch without end."""

    state = 0

    def __next__(self) -> Batch:
        TAKEN.append(time.perf_counter())
        return one_batch()


def one_batch() -> Batch:
    rows = np.ones(BATCH)
    images = np.full((BATCH, 32, 32, 1), 0.5, np.float32)
    ids = rows.astype(np.uint32)
    return Batch(
        images=images, target=rows.astype(np.int32), image_id=ids, weight=rows.astype(np.float32)
    )


def picture(step, state) -> dict[str, np.ndarray]:
    return {"w": np.asarray(state["w"][0][:96, :96] > 0).astype(np.uint8) * 255}


def loop_seconds() -> float:
    """A step of the loop, in the middle of a run: metrics every 10 steps, one checkpoint in 50."""
    experiment = Experiment(
        method=Perceptron(),
        data=Repeated(),
        num_steps=STEPS,
        batch_size=BATCH,
        log_every=10,
        checkpoint_every=50,
        panels=picture,
        tensorboard=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(experiment, Path(folder), jax.devices()[:1])
    return (TAKEN[STEPS - 1] - TAKEN[WARM_UP]) / (STEPS - 1 - WARM_UP)


def bare_seconds() -> float:
    """The compiled step alone."""
    trainable = Perceptron().build()
    batch = jax.device_put(one_batch())
    state = jax.jit(trainable.init)(jax.random.key(0), None, batch)
    step = jax.jit(trainable.step, donate_argnums=0)
    key = jax.random.key(1)

    def some(num):
        nonlocal state
        for _ in range(num):
            state, metrics = step(state, None, batch, key)
        return metrics

    seconds(lambda: some(WARM_UP))
    return seconds(lambda: some(STEPS - WARM_UP)) / (STEPS - WARM_UP)


def rows():
    pairs = [(loop_seconds(), bare_seconds()) for _ in range(3)]
    loop, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    share = statistics.median(1 - bare / loop for loop, bare in pairs)
    yield {
        "case": "6 million weights with Adam; a line every 10, a checkpoint every 50 steps",
        "value": round(1000 * loop, 2),
        "unit": "ms a step",
        "limit": round(1000 * bare, 2),
        "ratio": round(share, 4),
        "must_reach": MUST_REACH,
    }
