"""SyCE of the tumour classifier at 64 x 64: what would make a slice healthy, or ill.

    python train.py --config=configs/lgg_mri/syce.py --workdir=runs/lgg_syce
    python train.py --config=configs/lgg_mri/syce.py:long --workdir=runs/lgg_syce_long

It needs the classifier of configs/lgg_mri/classifier_matched.py, and learns from the same pairs of
slices, so that neither the classifier nor the critics can go by the size of the brain. The loss'
weights for scans are not published: these are those of MNIST, but for what keeps a decision. Places
of the networks are squares of 2 x 2 pixels, what the critics see is shifted by up to 4 pixels, and
a moving average of the generators is exported. `:long` is five times as long.

Expect 96.2 % of the validation slices flipped and 96.2 % kept by the stable picture
(metrics.jsonl), after 10 minutes on two CPU cores; of `:long` 98.1 and 98.1 %, after two hours on
one core beside other work. docs/syce.md has the scores.
"""

from configs import recipes
from configs.lgg_mri.matched import PICTURES
from xai_jax.experiment import Experiment

STEPS = {"quick": 1000, "long": 5000}


def get_config(which: str = "quick") -> Experiment:
    """The experiment; `which` is "quick" or "long"."""
    return recipes.new_syce(PICTURES, "runs/lgg_matched", recipes.named(which, STEPS))
