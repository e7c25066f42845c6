"""Who judges counterfactual trousers beside the explained classifier: another network and seed.

    python train.py --config=configs/clothing/oracle_trousers.py --workdir=runs/trousers_oracle

EfficientNet-Lite2, trained as classifier_trousers.py trains Lite0.

Expect 88.9 % of the validation pictures to be decided rightly, at step 100, the state that is
exported, after 11 minutes on a CPU core that is not alone.
"""

from configs.clothing import classifier_trousers
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier_trousers.get_config("efficientnet_lite2", seed=1)
