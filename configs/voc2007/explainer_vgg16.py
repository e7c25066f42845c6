"""NN-Explainer of the VGG-16 classifier of VOC 2007: DeepLabv3 on ResNet-50.

    python train.py --config=configs/voc2007/explainer_vgg16.py \
        --workdir=runs/voc_explainer_vgg16 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-5 and patience for
five epochs. It needs a GPU, the classifier of classifier_vgg16.py, and torchvision's ResNet-50 for
the network's trunk. For a classifier whose dropout is on, as there:
--config.method.classifier_mode=train_like_reference.

Expect, by the output cells of the authors' notebook evaluate_class_scores.ipynb, a mean softmax
probability of bottle, car, cat, dog and person of 15.29, 62.92, 60.55, 57.60 and 71.01 % under
their own mask, and of at most 8.90 % under that of another of the five: specificity.py measures it.
No figure of theirs against the segmented pictures is known here.
"""

from configs import published
from configs.voc2007.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    return published.explainer_of("runs/voc_vgg16", PICTURES, explainer.Config(), 5)
