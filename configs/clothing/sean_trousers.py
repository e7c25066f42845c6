"""SEAN of people in streets at 144 x 96, light, for STEEX; with `:small` at 72 x 48.

    python train.py --config=configs/clothing/sean_trousers.py --workdir=runs/trousers_sean

It leaves runs/trousers_sean/sean.safetensors. Of the full size the first 3,000 steps see the
pictures at half of it. Its loss of features reads EfficientNet-Lite1 (install the extra
"quickstart"), which explains nothing here.

Expect no figure yet: nobody has trained it to its end.
"""

from configs import recipes
from configs.clothing.trousers import ALL_REGIONS, SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean

PLANS = {"full": (5000, 3000), "small": (4000, 0)}  # steps, and those at half the size


def get_config(which: str = "full") -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    steps, half_steps = recipes.named(which, PLANS)
    network = Sean(regions=ALL_REGIONS, width=16, depth=3, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(SIZES[which], network, steps, half_steps)
