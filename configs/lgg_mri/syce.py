"""SyCE of the tumour classifier at 64 x 64: what would make a slice healthy, or ill.

    python train.py --config=configs/lgg_mri/syce.py --workdir=runs/lgg_syce

It needs the classifier of configs/lgg_mri/classifier_matched.py, and learns from the same pairs of
slices, so that neither the classifier nor the critics can go by the size of the brain. The loss'
weights for scans are not published: these are those of MNIST, but for what flips and keeps a
decision (configs/recipes.py). Places of the networks are squares of 2 x 2 pixels, what the critics
see is shifted by up to 4 pixels, and a moving average of the generators is exported.

Expect 98.1 % of the validation slices flipped and 99.0 % kept by the stable picture
(metrics.jsonl), after half an hour on a CPU core beside other work. docs/syce.md has the scores.
"""

from configs import recipes
from configs.lgg_mri.matched import PICTURES
from xai_jax.experiment import Experiment

STEPS = 2500


def get_config() -> Experiment:
    """The experiment."""
    return recipes.new_syce(PICTURES, "runs/lgg_matched", STEPS)
