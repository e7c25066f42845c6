"""Who judges counterfactuals of your own pictures beside the explained classifier.

    python train.py --config=configs/own/oracle.py:FOLDER:COLUMN --workdir=runs/own_oracle

EfficientNet-Lite1, of another seed, trained as that of configs/own/classifier.py.

Expect no figure: it depends on the pictures.
"""

from configs.own import classifier, two_kinds
from xai_jax.experiment import Experiment


def get_config(where: str = two_kinds.EXAMPLE) -> Experiment:
    """The experiment; `where` is "FOLDER:COLUMN"."""
    return classifier.get_config(where, "efficientnet_lite1", seed=1)
