"""Trains the experiment of a config file: python train.py --config=FILE --workdir=FOLDER."""

from xai_jax.runtime import ending


def work() -> None:
    """The program, imported when signals are listened to."""
    from xai_jax.train import program

    program.main()


if __name__ == "__main__":
    ending.listen("train.py")
    ending.leave(ending.reported("train.py", work, batch_size="--config.batch_size"))
