"""Who judges counterfactuals beside the explained classifier: another seed, other variations.

    python train.py --config=configs/mnist/oracle.py --workdir=runs/mnist_oracle

It has never seen a digit upside down, and the explained classifier has: what flips both is more
than a weakness of one of them.

Expect in the last line of metrics.jsonl, at step 900, the state that is exported, valid/loss 0.0073
and 3 of the 2,396 validation pictures wrong, as the command above left them on two CPU cores.
"""

from configs.mnist import classifier
from xai_jax.data.transforms import Warp
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier.get_config(seed=1, augment=Warp(rotation=10.0, upside_down=0.0))
