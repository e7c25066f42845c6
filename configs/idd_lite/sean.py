"""SEAN of Indian driving scenes at 128 x 80, light, for STEEX.

    python train.py --config=configs/idd_lite/sean.py --workdir=runs/idd_sean

It leaves runs/idd_sean/sean.safetensors. Its loss of features reads EfficientNet-Lite1 (install the
extra "quickstart"), which explains nothing here.

Expect no figure yet: nobody has trained it to its end.
"""

from configs.idd_lite.skies import PICTURES, REGIONS
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean


def get_config() -> Experiment:
    """The experiment."""
    regions = (*REGIONS, "unlabelled")
    network = Sean(regions=regions, width=16, depth=4, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(PICTURES, network, 5000)
