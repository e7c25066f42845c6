"""Which region a pixel of Indian driving scenes belongs to, for pictures without a label map.

    python train.py --config=configs/idd_lite/segmenter.py --workdir=runs/idd_segmenter

The light network on ImageNet's trunk, at 128 x 80 pixels; with `:published` the published one,
DeepLabv3 on ResNet-101, for a GPU. It leaves runs/idd_segmenter/segmenter.safetensors for
`xai-jax explain --segmenter runs/idd_segmenter`.

Expect a mean IoU of 0.600 over the 141 validation pictures together, whose regions have looks of
their own as those that are learned from (valid/mean_iou at step 1,750, the state that is exported),
after 23 minutes on a CPU core that is not alone.
"""

from configs import recipes
from configs.idd_lite.skies import REGIONS, SCENES
from configs.steex import recipe
from xai_jax.experiment import Experiment

STEPS = {"light": 2000, "published": 8750}


def get_config(which: str = "light") -> Experiment:
    """The experiment; `which` is "light" or "published"."""
    steps = recipes.named(which, STEPS)
    made = recipe.new_segmenter(SCENES, REGIONS, steps, void=len(REGIONS))
    if which == "light":
        return made
    made.batch_size = 8
    return recipe.from_nothing(made)
