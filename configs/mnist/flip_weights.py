"""SyCE of the digits 3 and 8 with other weights of the flip: how many flip, against how near.

    python train.py --config=configs/mnist/flip_weights.py --workdir=runs/mnist_flip_0_05
    python train.py --config=configs/mnist/flip_weights.py:0.2 --workdir=runs/mnist_flip_0_2
    python train.py --config=configs/mnist/flip_weights.py:0.5 --workdir=runs/mnist_flip_0_5
    python train.py --config=configs/mnist/flip_weights.py:2 --workdir=runs/mnist_flip_2

All else is configs/mnist/syce.py, whose run, with 1, is a point of the curve, too; 0.2 is the
published weight. `python evaluate.py --config=configs/mnist/evaluate.py:weights
--workdir=runs/mnist_weights` makes the table: flips by the classifier and by the oracle against the
mean absolute change, a row a weight.

Expect 0.0, 95.7, 98.9 and 99.9 % flipped, with mean changes of 0.000, 0.034, 0.038 and 0.054;
docs/syce.md has the curve.
"""

from configs import recipes
from configs.mnist import syce as like
from xai_jax.experiment import Experiment
from xai_jax.methods import syce

WEIGHTS = ("0.05", "0.2", "0.5", "2")


def get_config(which: str = WEIGHTS[0]) -> Experiment:
    """The experiment; `which` is one of WEIGHTS."""
    weight = recipes.named(which, {name: float(name) for name in WEIGHTS})
    method = like.methods(syce.Config)["quick"]
    method.loss.flip = weight
    return like.experiment(method, "quick")
