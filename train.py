"""Trains the experiment of a config file: python train.py --config=FILE --workdir=FOLDER."""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from xai_jax.runtime import distributed
from xai_jax.train.fit import fit

CONFIG = config_flags.DEFINE_config_file("config", help_string="Python file with get_config().")
WORKDIR = flags.DEFINE_string("workdir", None, "The run's folder.", required=True)
COORDINATOR = flags.DEFINE_string("coordinator", None, "host:port of process 0.")
INDEX = flags.DEFINE_integer("process-index", None, "This process among those of --coordinator.")
COUNT = flags.DEFINE_integer("process-count", None, "The number of processes.")


def main(_: list[str]) -> None:
    """Joins the other processes, if there are any, and trains."""
    with distributed.program(COORDINATOR.value, INDEX.value, COUNT.value):
        fit(CONFIG.value, Path(WORKDIR.value))


if __name__ == "__main__":
    app.run(main)
