"""Who judges counterfactual slices beside the explained classifier: another network, another seed.

    python train.py --config=configs/lgg_mri/oracle_matched.py --workdir=runs/lgg_oracle

EfficientNet-Lite1, trained as that of configs/lgg_mri/classifier_matched.py.

Expect in metrics.jsonl, at step 400, the state that is exported, valid/loss 0.337 and 85.7 % of the
210 validation slices rightly decided, as the command above left them on two CPU cores.
"""

from configs.lgg_mri import classifier_matched
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier_matched.get_config("efficientnet_lite1", seed=1)
