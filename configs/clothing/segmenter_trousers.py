"""Which region a pixel of people in streets belongs to, for pictures without a label map.

    python train.py --config=configs/clothing/segmenter_trousers.py \
        --workdir=runs/trousers_segmenter

The light network on ImageNet's trunk, at 144 x 96 pixels; with `:small` at 72 x 48, as the other
configs of trousers. It leaves runs/trousers_segmenter/segmenter.safetensors.

Expect no figure yet: nobody has trained it to its end.
"""

from configs import recipes
from configs.clothing.trousers import REGIONS, SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment

STEPS = {"full": 2000, "small": 1500}


def get_config(which: str = "full") -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    steps = recipes.named(which, STEPS)
    return recipe.new_segmenter(SIZES[which], tuple(REGIONS), steps, void=len(REGIONS))
