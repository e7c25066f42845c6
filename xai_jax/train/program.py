"""The program train.py."""

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
    several = command_line.define_processes()

    def train() -> None:
        with distributed.program(*(flag.value for flag in several)):
            interruptibly(lambda: fit(config.value, place(workdir.value)))

    command_line.run(train, (config, workdir, *several))
