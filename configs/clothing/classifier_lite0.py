"""The classifier of clothes that the explanations of this folder explain.

    python train.py --config=configs/clothing/classifier_lite0.py --workdir=runs/clothing_classifier

EfficientNet-Lite0, its ImageNet trunk trained on at a lower rate than the new head. It sees
each of the 703 pictures seven times.

Expect in the last line of metrics.jsonl, at step 300, the state that is exported, valid/loss 0.461,
valid/true_positives 1.455 and false_positives 0.604 a picture, micro F 0.620, as the command above
left them in 5 min 28 s on a core of a CPU.
"""

from configs import lite0
from configs.clothing.clothes import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return lite0.new_classifier(
        PICTURES, Augment(), 300, every=75, metric="true_positives", maximise=True
    )
