"""CyCE of the tumour classifier at 64 x 64: as SyCE, with a cycle in place of the symmetry.

    python train.py --config=configs/lgg_mri/cyce.py --workdir=runs/lgg_cyce
    python train.py --config=configs/lgg_mri/cyce.py:identity --workdir=runs/lgg_cyce_identity

All else is configs/lgg_mri/syce.py. `:identity` adds an identity term, as GANterfactual. `:rivals`
and `:rival_flips` of configs/lgg_mri/evaluate_syce.py score both.

Expect at step 2,500 valid/flipped 0.995, with `:identity` too, after half an hour on a CPU core
beside other work. docs/syce.md has the scores.
"""

from configs import recipes
from configs.lgg_mri.matched import PICTURES
from configs.lgg_mri.syce import STEPS
from xai_jax.experiment import Experiment
from xai_jax.methods import syce


def get_config(which: str = "cyce") -> Experiment:
    """The experiment; `which` is "cyce" or "identity"."""
    kinds = {"cyce": syce.Config.cyce(), "identity": syce.Config.cyce_identity()}
    of = recipes.named(which, kinds)
    return recipes.new_syce(PICTURES, "runs/lgg_matched", STEPS, of=of)
