"""The classifier of skies that STEEX explains.

    python train.py --config=configs/idd_lite/classifier.py --workdir=runs/idd_classifier

EfficientNet-Lite0, its ImageNet trunk trained on, at 128 x 80 pixels; with `:small` at 64 x 40.

Expect no figure yet: nobody has trained it to its end.
"""

from configs import recipes
from configs.idd_lite.skies import SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config(
    which: str = "full", architecture: str = "efficientnet_lite0", seed: int = 0
) -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    pictures = recipes.named(which, SIZES)
    return recipe.new_classifier(pictures, 1600, 5e-5, architecture, seed)
