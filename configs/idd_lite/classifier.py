"""The classifier of skies that STEEX explains.

    python train.py --config=configs/idd_lite/classifier.py --workdir=runs/idd_classifier

EfficientNet-Lite0, its ImageNet trunk trained on.

Expect no figure yet: nobody has trained it to its end.
"""

from configs.idd_lite.skies import PICTURES
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return recipe.new_classifier(PICTURES, 400)
