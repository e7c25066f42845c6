"""VGG-16's ImageNet trunk, frozen, under three new layers: the explained classifier of VOC 2007.

    python train.py --config=configs/voc2007/classifier_vgg16.py --workdir=runs/voc_vgg16 \
        --config.explained.classifier.weights=vgg16.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-5 and patience for
five epochs. It needs a GPU and torchvision's weights.

Expect, as the output cells of the authors' notebook evaluate_class_scores.ipynb have it (column
"none"), a mean softmax probability of the class in test pictures that show it of 20.57 % for
bottle, 70.52 % for car, 72.78 % for cat, 58.00 % for dog and 69.37 % for person: specificity.py
measures it. No figure of theirs for accuracy or F1 is known here.
"""

from configs import published
from configs.voc2007.objects import PICTURES
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return published.classifier_vgg16(PICTURES)
