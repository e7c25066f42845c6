"""Scores the evaluation of a config file: python evaluate.py --config=FILE --workdir=FOLDER."""

from xai_jax.runtime import ending


def work() -> None:
    """The program, imported when signals are listened to."""
    from xai_jax.scoring import program

    program.main()


if __name__ == "__main__":
    ending.listen("evaluate.py")
    ending.leave(ending.reported("evaluate.py", work, batch_size="--config.batch_size"))
