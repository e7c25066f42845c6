"""The classifier of skies, or of roads, that STEEX explains.

    python train.py --config=configs/idd_lite/classifier.py --workdir=runs/idd_classifier
    python train.py --config=configs/idd_lite/classifier.py:road --workdir=runs/idd_road
    python train.py --config=configs/idd_lite/classifier.py:naive --workdir=runs/idd_naive
    python train.py --config=configs/idd_lite/classifier.py:ahead --workdir=runs/idd_ahead

EfficientNet-Lite0, its ImageNet trunk trained on, at 128 x 80 pixels, for each of the decisions
that configs/idd_lite/skies.py explains. `:naive` is a head on a trunk that stays.

Expect 97.9 % of 141 validation pictures to be decided rightly (valid/true_positives and
valid/true_negatives at step 1,200, the state that is exported), after 9 minutes on a CPU core that
is not alone; of `:naive` 90.1 %, at step 900, and of 156 pictures of `:road` 96.2 %, at step 1,600,
and of `:ahead` 82.1 %, at step 100.
"""

from configs import recipes
from configs.idd_lite.skies import DECISIONS
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config(
    which: str = "sky", architecture: str = "efficientnet_lite0", seed: int = 0
) -> Experiment:
    """The experiment; `which` is a key of DECISIONS."""
    pictures = recipes.named(which, DECISIONS)
    made = recipe.new_classifier(pictures, 1600, 5e-5, architecture, seed)
    made.method.trunk_frozen = which == "naive"
    return made
