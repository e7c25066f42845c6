"""Minutes on a CPU: a segmenter, which predicts STEEX's label maps, learns planted streets.

    python train.py --config=configs/smoke/segmenter.py --workdir=runs/smoke_segmenter

The light network without ImageNet's weights, so that none are needed.

Expect no figure yet: nobody has trained it to its end.
"""

import dataclasses

from configs.steex import recipe
from configs.steex.streets import PICTURES
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.streets import REGIONS
from xai_jax.experiment import Experiment

SIDE = 32


def get_config() -> Experiment:
    """The experiment."""
    pictures = dataclasses.replace(PICTURES, size=Preprocess(height=SIDE, width=SIDE))
    made = recipe.new_segmenter(pictures, REGIONS, 60, every=30, batch_size=8)
    made.start = None
    return made
