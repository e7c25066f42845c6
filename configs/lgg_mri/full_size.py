"""SyCE of the tumour classifier at 128 x 128, the slices' own size, for a GPU.

    python train.py --config=configs/lgg_mri/full_size.py:classifier --workdir=runs/lgg_matched_128
    python train.py --config=configs/lgg_mri/full_size.py:oracle --workdir=runs/lgg_oracle_128
    python train.py --config=configs/lgg_mri/full_size.py --workdir=runs/lgg_syce_128

All else is that of the configs classifier_matched, oracle_matched and syce of this folder;
`:full_size` of configs/lgg_mri/evaluate_syce.py counts the flips.

Expect no figure: no command has measured these runs.
"""

import functools

from configs import recipes
from configs.lgg_mri import classifier_matched
from configs.lgg_mri.matched import FULL_SIZE
from xai_jax.experiment import Experiment

STEPS = 10_000


def get_config(which: str = "syce") -> Experiment:
    """The experiment; `which` is "classifier", "oracle" or "syce"."""
    tuned = functools.partial(
        recipes.tuned_classifier,
        FULL_SIZE,
        steps=classifier_matched.STEPS,
        augment=classifier_matched.VARIED,
    )
    choices = {
        "classifier": functools.partial(tuned, name="efficientnet_lite0"),
        "oracle": functools.partial(tuned, name="efficientnet_lite1", seed=1),
        "syce": functools.partial(recipes.new_syce, FULL_SIZE, "runs/lgg_matched_128", STEPS),
    }
    return recipes.named(which, choices)()
