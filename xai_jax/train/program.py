"""The program train.py."""

from absl import flags

from xai_jax.experiment import Experiment
from xai_jax.runtime import command_line, deterministic, distributed
from xai_jax.runtime.ahead import interruptibly
from xai_jax.runtime.files import place
from xai_jax.train.fit import fit


def main() -> None:
    """Reads the flags, joins the other processes, if there are any, and trains.

    Raises:
        ValueError, OSError: see `command_line.run`, `distributed.program` and `fit`.
        Stopped: a signal asked for an end; the last step has a checkpoint.
    """
    deterministic.ask()
    config = command_line.define_config(Experiment)
    workdir = command_line.define_workdir("The run's")
    coordinator = flags.DEFINE_string("coordinator", None, "host:port of process 0.")
    index = flags.DEFINE_integer("process-index", None, "This process among all of --coordinator.")
    count = flags.DEFINE_integer("process-count", None, "The number of processes.")

    def train() -> None:
        with distributed.program(coordinator.value, index.value, count.value):
            interruptibly(lambda: fit(config.value, place(workdir.value)))

    command_line.run(train, (config, workdir, coordinator, index, count))
