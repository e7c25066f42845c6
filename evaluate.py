"""Scores the evaluation of a config file: python evaluate.py --config=FILE --workdir=FOLDER."""

from pathlib import Path

from absl import app, flags
from ml_collections import config_flags

from xai_jax.runtime import distributed
from xai_jax.scoring.score import score

CONFIG = config_flags.DEFINE_config_file("config", help_string="Python file with get_config().")
WORKDIR = flags.DEFINE_string("workdir", None, "The scores' folder.", required=True)


def main(_: list[str]) -> None:
    """Scores, or goes on where an earlier start has stopped, and prints the table."""
    with distributed.program(None, None, None):
        print(score(CONFIG.value, Path(WORKDIR.value)).read_text())


if __name__ == "__main__":
    app.run(main)
