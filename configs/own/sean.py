"""SEAN of pictures of your own with masks of their regions, at 64 x 64, for STEEX.

    python train.py --config=configs/own/sean.py:FOLDER:COLUMN:REGION,REGION,... \
        --workdir=runs/own_sean

FOLDER, COLUMN and the regions are as in configs/own/scenes.py. 4,000 steps of 8 pictures; its loss
of features reads EfficientNet-Lite1 (install the extra "quickstart"), which explains nothing here.

Expect no figure: it depends on the pictures.
"""

from configs.own import scenes
from configs.steex import recipe
from xai_jax.experiment import Experiment
from xai_jax.nn.sean import Sean

STEPS = 4000


def get_config(where: str = scenes.EXAMPLE) -> Experiment:
    """The experiment; `where` is "FOLDER:COLUMN:REGION,REGION,..."."""
    own = scenes.scenes(where)
    network = Sean(regions=own.regions, width=16, depth=3, style=128, hidden=0, gain=1.0)
    return recipe.new_sean(own.pictures, network, STEPS)
