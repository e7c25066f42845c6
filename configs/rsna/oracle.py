"""Who judges counterfactual X-rays beside the explained classifier: another network, another seed.

    python train.py --config=configs/rsna/oracle.py --workdir=runs/rsna_oracle \
        --config.explained.classifier.weights=resnet50.pth

Expect no figure: nobody has run it.
"""

from configs.rsna import classifier
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier.get_config("resnet50", seed=1)
