"""The program train.py."""

from pathlib import Path

from absl import flags

from xai_jax.experiment import Experiment
from xai_jax.runtime import command_line, deterministic, distributed
from xai_jax.runtime.ahead import interruptibly
from xai_jax.train.fit import fit

CONFIG = command_line.define_config(Experiment)
WORKDIR = command_line.define_workdir("The run's")
COORDINATOR = flags.DEFINE_string("coordinator", None, "host:port of process 0.")
INDEX = flags.DEFINE_integer("process-index", None, "This process among those of --coordinator.")
COUNT = flags.DEFINE_integer("process-count", None, "The number of processes.")


def main() -> None:
    """Reads the flags, joins the other processes, if there are any, and trains.

    Raises:
        ValueError, OSError: see `command_line.run`, `distributed.program` and `fit`.
        Stopped: a signal asked for an end; the last step has a checkpoint.
    """
    deterministic.ask()
    command_line.run(_train, (CONFIG, WORKDIR, COORDINATOR, INDEX, COUNT))


def _train() -> None:
    with distributed.program(COORDINATOR.value, INDEX.value, COUNT.value):
        interruptibly(lambda: fit(CONFIG.value, Path(WORKDIR.value)))
