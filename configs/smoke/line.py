"""Seconds on a CPU: a straight line is learned by least squares, through all of the training loop.

    python train.py --config=configs/smoke/line.py --workdir=runs/line

Expect the validation loss of the last line of metrics.jsonl below 1e-4 (its data lie on a line).
"""

from configs.smoke.straight_line import Line, LineData
from xai_jax.experiment import Experiment, Validation


def get_config() -> Experiment:
    """The experiment; any field can be set on the command line, as in --config.method.noise=0.1."""
    return Experiment(
        method=Line(noise=0.0),
        data=LineData(num=64),
        validation=Validation(data=LineData(num=20, seed=1, endless=False), every=100),
        num_steps=400,
        batch_size=16,
        log_every=20,
        checkpoint_every=100,
    )
