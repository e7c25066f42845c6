"""Share of the training loop's time that is not spent in the compiled step, with everything on.

The step is that of the Explainer's light network as it is trained on clothes, some 1.5 seconds on
two cores. A checkpoint takes the same time beside any step, and is made twice as often as there.
"""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from benchmarks import explainer_subject
from benchmarks.explainer_train import Step
from benchmarks.timing import seconds
from xai_jax.core.types import Batch
from xai_jax.experiment import Experiment
from xai_jax.infills.constant import Mean
from xai_jax.train.fit import fit

CASE = explainer_subject.light(16)
STEPS, WARM_UP = 61, 10
LOG_EVERY, CHECKPOINT_EVERY = 10, 50
MUST_REACH = 0.03

TAKEN: list[float] = []  # when each batch was asked for


@dataclasses.dataclass(slots=True, kw_only=True)
class Repeated:
    """The same batch again and again, so that reading costs nothing; notes when it is asked."""

    def batches(self, batch_size, *, start, process_index, process_count):
        """The stream."""
        TAKEN.clear()
        return Stream(CASE.batch())


class Stream:
    """One batch without end."""

    state = 0

    def __init__(self, batch: Batch):
        """Of this batch."""
        self._batch = batch

    def __next__(self) -> Batch:
        TAKEN.append(time.perf_counter())
        return self._batch


def picture(step, state, frozen) -> dict[str, np.ndarray]:
    """A panel: the signs of the first kernel."""
    kernel = np.asarray(state.params["trunk"]["stem"]["kernel"]).reshape(27, -1)
    return {"stem": (kernel > 0).astype(np.uint8) * 255}


def loop_seconds() -> float:
    """A step of the loop, in the middle of a run: metrics every 10 steps, one checkpoint in 50."""
    experiment = Experiment(
        method=CASE.method,
        classifier=explainer_subject.FirstClasses(num_classes=CASE.num_classes),
        infill=Mean(),
        data=Repeated(),
        num_steps=STEPS,
        batch_size=CASE.batch_size,
        log_every=LOG_EVERY,
        checkpoint_every=CHECKPOINT_EVERY,
        panels=picture,
        tensorboard=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(experiment, Path(folder), jax.devices()[:1])
    return (TAKEN[STEPS - 1] - TAKEN[WARM_UP]) / (STEPS - 1 - WARM_UP)


def bare_seconds(step: Step) -> float:
    """The compiled step alone, one after the other."""
    num = (STEPS - 1 - WARM_UP) // 2
    return seconds(lambda: [step() for _ in range(num)][-1][1]) / num


def rows():
    step = Step(*CASE.begun())
    seconds(step)
    pairs = []
    for _ in range(3):  # half of the bare steps before and half after, for the machine drifts
        before, loop = bare_seconds(step), loop_seconds()
        pairs.append((loop, (before + bare_seconds(step)) / 2))
    loop, bare = (statistics.median(times) for times in zip(*pairs, strict=True))
    share = statistics.median(1 - bare / loop for loop, bare in pairs)
    yield {
        "case": f"{CASE.words}; a line every {LOG_EVERY}, a checkpoint every {CHECKPOINT_EVERY}",
        "value": round(1000 * loop, 2),
        "unit": "ms a step",
        "limit": round(1000 * bare, 2),
        "ratio": round(share, 4),
        "must_reach": MUST_REACH,
    }
