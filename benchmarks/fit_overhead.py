"""Share of the training loop's time that is not spent in the compiled step, with everything on.

The loop is timed with a step that does nothing to the same state, so that what is measured is all
its own and nothing hides behind the device: an upper bound. The difference of two whole runs, of
which it is a hundredth, would drown in the drift of a machine. The step is that of the Explainer's
light network as it is trained on clothes; a checkpoint is made twice as often as there.
"""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import explainer_subject
from benchmarks.explainer_train import Step
from benchmarks.timing import seconds
from xai_jax.core.method import Explained, Trainable
from xai_jax.core.types import Batch
from xai_jax.experiment import Experiment
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.train.fit import fit

CASE = explainer_subject.light(16)
LOG_EVERY, CHECKPOINT_EVERY = 10, 50
STRETCHES, BARE = 7, 5  # of CHECKPOINT_EVERY steps of the loop; bare steps beside each
MUST_REACH = 0.03

BEGAN: list[float] = []  # when each stretch of the loop did


@dataclasses.dataclass(slots=True, kw_only=True)
class Repeated:
    """The same batch again and again, so that reading costs nothing."""

    def batches(self, batch_size, *, start, process_index, process_count):
        """The stream."""
        return Again(CASE.batch())


class Again:
    """One batch without end."""

    state = 0

    def __init__(self, batch: Batch):
        """Of this batch."""
        self._batch = batch

    def __next__(self) -> Batch:
        return self._batch


@dataclasses.dataclass(slots=True, kw_only=True)
class Idle:
    """The state and the metrics of a method, and a step that leaves them as they are.

    Fields:
        method: which.
    """

    method: explainer.Config

    def build(self) -> Trainable:
        """What the loop needs."""
        trainable = self.method.build().trainable
        assert trainable is not None

        def step(state, frozen, batch, key, axis_name=None):
            wanted = jax.eval_shape(trainable.step, state, frozen, batch, key)[1]
            return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), wanted)

        return Trainable(init=trainable.init, step=step)


def picture(step, weights, frozen) -> dict[str, np.ndarray]:
    """A panel: the signs of the first kernel."""
    jax.block_until_ready(weights)
    BEGAN.append(time.perf_counter())  # picture, checkpoint and log belong to what follows
    kernel = np.asarray(weights.params["trunk"]["stem"]["kernel"]).reshape(27, -1)
    return {"stem": (kernel > 0).astype(np.uint8) * 255}


def loop_seconds() -> list[float]:
    """A step of the loop, in each stretch of it but the first, which compiles."""
    experiment = Experiment(
        method=Idle(method=CASE.method),
        explained=Explained(
            classifier=explainer_subject.FirstClasses(num_classes=CASE.num_classes), infill=Mean()
        ),
        data=Repeated(),
        num_steps=(STRETCHES + 1) * CHECKPOINT_EVERY,
        batch_size=CASE.batch_size,
        log_every=LOG_EVERY,
        checkpoint_every=CHECKPOINT_EVERY,
        panels=picture,
        tensorboard=True,
    )
    BEGAN.clear()
    with tempfile.TemporaryDirectory() as folder:
        fit(experiment, Path(folder), jax.devices()[:1])
    return [(end - start) / CHECKPOINT_EVERY for start, end in zip(BEGAN, BEGAN[1:], strict=False)]


def rows():
    step = Step(*CASE.begun())
    seconds(step)
    bare = statistics.median(seconds(step) for _ in range(BARE * STRETCHES))
    loop = statistics.median(loop_seconds())
    yield {
        "case": f"{CASE.words}; a line every {LOG_EVERY}, a checkpoint every {CHECKPOINT_EVERY}",
        "value": round(1000 * loop, 1),
        "unit": "ms of the loop's own a step",
        "limit": round(1000 * bare, 1),
        "ratio": round(loop / (loop + bare), 4),
        "must_reach": MUST_REACH,
    }
