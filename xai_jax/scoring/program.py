"""The program evaluate.py."""

from xai_jax.runtime import command_line, deterministic, distributed
from xai_jax.runtime.ahead import interruptibly
from xai_jax.runtime.files import place
from xai_jax.scoring.evaluation import Evaluation
from xai_jax.scoring.score import score


def main() -> None:
    """Reads the flags, scores, or goes on where an earlier start has stopped, prints the table.

    Raises:
        ValueError, OSError: see `command_line.run`, `distributed.program` and `score`.
    """
    deterministic.ask()
    config = command_line.define_config(Evaluation)
    workdir = command_line.define_workdir("The scores'")
    several = command_line.define_processes()

    def evaluate() -> None:
        with distributed.program(*(flag.value for flag in several)):
            distributed.end_at_once("evaluate.py")
            page = interruptibly(lambda: score(config.value, place(workdir.value)))
            if distributed.is_first():
                print(page.read_text())

    command_line.run(evaluate, (config, workdir, *several))
