"""The classifier of trousers that STEEX explains.

    python train.py --config=configs/clothing/classifier_trousers.py \
        --workdir=runs/trousers_classifier

EfficientNet-Lite0, its ImageNet trunk trained on, at 144 x 96 pixels; there are few
pictures, so mirror images are shown too.

Expect 88.9 % of the validation pictures to be decided rightly (valid/true_positives and
valid/true_negatives at step 100, the state that is exported), of which some lie at the limit; after
7 minutes on a CPU core that is not alone.
"""

from configs.clothing.trousers import PEOPLE
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config(architecture: str = "efficientnet_lite0", seed: int = 0) -> Experiment:
    """The experiment, of one of the networks of ImageNet."""
    return recipe.new_classifier(PEOPLE, 800, 5e-5, architecture, seed, recipe.MIRRORED)
