"""Who judges counterfactual slices beside the explained classifier: another network, another seed.

    python train.py --config=configs/lgg_mri/oracle_matched.py --workdir=runs/lgg_oracle

EfficientNet-Lite1, trained as that of configs/lgg_mri/classifier_matched.py.

Expect no figure: not measured yet.
"""

from configs.lgg_mri import classifier_matched
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier_matched.get_config("efficientnet_lite1", seed=1)
