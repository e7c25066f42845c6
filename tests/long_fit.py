"""Trains on more pictures than should be in memory at once, and says how much of it was in use.

    python long_fit.py FOLDER

Prints a JSON object: by step, the most memory so far in bytes, and how many pictures were made.
"""

import dataclasses
import json
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from xai_jax.core.method import Trainable
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Example
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment
from xai_jax.train.fit import fit

SIDE, BATCH, FIRST, LAST = 128, 8, 50, 500
READS = []  # the number of each picture that was made
USED = {}


@dataclasses.dataclass(slots=True, kw_only=True)
class Made:
    """Pictures that are made when they are asked for, each ``[SIDE SIDE 3]`` uint8."""

    num: int = LAST * BATCH

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("grey",)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.num)))

    def __len__(self) -> int:
        return self.num

    def __getitem__(self, index: int) -> Example:
        READS.append(index)
        grey = np.full((SIDE, SIDE, 3), index % 256, np.uint8)
        return Example(row=index, name=f"{index}", picture=grey, labels=np.ones(1, np.float32))


@dataclasses.dataclass(slots=True, kw_only=True)
class Grey:
    """Learns how bright the pictures are."""

    def build(self) -> Trainable:
        def init(key, frozen, batch):
            del key, frozen, batch
            return {"grey": jnp.float32(0.0)}

        def step(state, frozen, batch, key, axis_name=None):
            del frozen, key, axis_name
            error = batch.images.mean() - state["grey"]
            return {"grey": state["grey"] + 0.1 * error}, {"loss": error**2}

        return Trainable(init=init, step=step, measure=None)


def noted(step: int, weights, frozen) -> dict[str, np.ndarray]:
    """No panels: what is in use when they are due."""
    del weights, frozen
    lines = Path("/proc/self/status").read_text().splitlines()
    # Not getrusage: what it tells begins with the memory of the process that started this one.
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    USED[step] = {"bytes": int(kilobytes) * 1024, "pictures": len(READS)}
    return {}


if __name__ == "__main__":
    settings = Experiment(
        method=Grey(),
        data=Pipeline(source=Made(), resize=Preprocess(height=SIDE, width=SIDE), num_epochs=0),
        num_steps=LAST,
        batch_size=BATCH,
        checkpoint_every=FIRST,
        panels=noted,
    )
    fit(settings, Path(sys.argv[1]))
    print(json.dumps(USED))
