"""The classifier, tumour or not, of slices whose place and brain area do not tell: for SyCE.

    python train.py --config=configs/lgg_mri/classifier_matched.py --workdir=runs/lgg_matched

EfficientNet-Lite0 at 64 x 64, all of it trained on, on 602 pairs of slices (configs/lgg_mri/
matched.py).

Expect in metrics.jsonl, at step 400, the state that is exported, valid/loss 0.348 and 87.6 % of the
210 validation slices rightly decided, as the command above left them on two CPU cores.
"""

from configs import recipes
from configs.lgg_mri.matched import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment

STEPS = 600
VARIED = Augment(saturation=0.0, hue=0.0)


def get_config(name: str = "efficientnet_lite0", seed: int = 0) -> Experiment:
    """The experiment."""
    return recipes.tuned_classifier(PICTURES, name, STEPS, VARIED, seed)
