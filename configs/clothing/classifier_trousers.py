"""The classifier of trousers that STEEX explains.

    python train.py --config=configs/clothing/classifier_trousers.py \
        --workdir=runs/trousers_classifier

EfficientNet-Lite0, its ImageNet trunk trained on, at 144 x 96 pixels; with `:small` at 72 x 48, as
the other configs of trousers.

Expect no figure yet: nobody has trained it to its end.
"""

from configs import recipes
from configs.clothing.trousers import SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config(
    which: str = "full", architecture: str = "efficientnet_lite0", seed: int = 0
) -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    pictures = recipes.named(which, SIZES)
    return recipe.new_classifier(pictures, 1600, 5e-5, architecture, seed)
