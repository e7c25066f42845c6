"""Who judges counterfactual skies beside the explained classifier: another network, another seed.

    python train.py --config=configs/idd_lite/oracle.py --workdir=runs/idd_oracle

EfficientNet-Lite2, trained as classifier.py trains Lite0; with `:small` at 64 x 40.

Expect no figure yet: nobody has trained it to its end.
"""

from configs.idd_lite import classifier
from xai_jax.experiment import Experiment


def get_config(which: str = "full") -> Experiment:
    """The experiment; `which` is "full" or "small"."""
    return classifier.get_config(which, "efficientnet_lite2", seed=1)
