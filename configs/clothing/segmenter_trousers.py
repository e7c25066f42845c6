"""Which region a pixel of people in streets belongs to, for pictures without a label map.

    python train.py --config=configs/clothing/segmenter_trousers.py \
        --workdir=runs/trousers_segmenter

The light network on ImageNet's trunk, at 144 x 96 pixels. It leaves
runs/trousers_segmenter/segmenter.safetensors.

Expect no figure yet: nobody has trained it to its end.
"""

from configs.clothing.trousers import PEOPLE, REGIONS
from configs.steex import recipe
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return recipe.new_segmenter(PEOPLE, tuple(REGIONS), 2000, void=len(REGIONS))
