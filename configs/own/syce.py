"""SyCE of two kinds of pictures of your own, at 64 x 64: what would make one of the other?

    python train.py --config=configs/own/syce.py:FOLDER:COLUMN --workdir=runs/own_syce

It needs what configs/own/classifier.py leaves. 2,500 iterations of 16 pictures a kind; more are
`--config.num_steps=6000 --config.method.decay_steps=6000`.

Expect no figure: it depends on the pictures.
"""

from configs import recipes
from configs.own import two_kinds
from xai_jax.experiment import Experiment

STEPS = 2500


def get_config(where: str = two_kinds.EXAMPLE) -> Experiment:
    """The experiment; `where` is "FOLDER:COLUMN"."""
    return recipes.new_syce(two_kinds.pictures(where), "runs/own_classifier", STEPS, channels=3)
