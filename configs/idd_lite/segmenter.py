"""Which region a pixel of Indian driving scenes belongs to, for pictures without a label map.

    python train.py --config=configs/idd_lite/segmenter.py --workdir=runs/idd_segmenter

The light network on ImageNet's trunk, at 128 x 80 pixels; with `:small` at 64 x 40, and with
`:published` the published one, DeepLabv3 on ResNet-101, for a GPU. It leaves
runs/idd_segmenter/segmenter.safetensors for `xai-jax explain --segmenter runs/idd_segmenter`.

Expect no figure yet: nobody has trained it to its end.
"""

from configs import recipes
from configs.idd_lite.skies import FULL, REGIONS, SIZES
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.segmenter import Architecture

PLANS = {"full": (FULL, 2000), "small": (SIZES["small"], 1500), "published": (FULL, 8750)}


def get_config(which: str = "full") -> Experiment:
    """The experiment; `which` is "full", "small" or "published"."""
    pictures, steps = recipes.named(which, PLANS)
    made = recipe.new_segmenter(pictures, REGIONS, steps, void=len(REGIONS))
    if which == "published":
        made.method.network.architecture = Architecture.DEEPLAB101
        made.method.learning_rate, made.method.decay_steps = 1e-4, 0
        made.start = None
    return made
