"""The program evaluate.py."""

from pathlib import Path

from xai_jax.runtime import command_line, deterministic, distributed
from xai_jax.runtime.ahead import interruptibly
from xai_jax.scoring.evaluation import Evaluation
from xai_jax.scoring.score import score

CONFIG = command_line.define_config(Evaluation)
WORKDIR = command_line.define_workdir("The scores'")


def main() -> None:
    """Reads the flags, scores, or goes on where an earlier start has stopped, prints the table.

    Raises:
        ValueError, OSError: see `command_line.run`, `distributed.program` and `score`.
    """
    deterministic.ask()
    command_line.run(_evaluate, (CONFIG, WORKDIR))


def _evaluate() -> None:
    with distributed.program(None, None, None):
        page = interruptibly(lambda: score(CONFIG.value, Path(WORKDIR.value)))
        print(page.read_text())
