"""NN-Explainer of the ResNet-50 classifier of VOC 2007: DeepLabv3 on another ResNet-50.

    python train.py --config=configs/voc2007/explainer_resnet50.py \
        --workdir=runs/voc_explainer_resnet50 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022, Adam at 1e-4 and other weights of the terms; else as
explainer_vgg16. One thing differs: there the classifier's batch norm went on adapting while the
Explainer learned, and here it is frozen.
"""

from configs.voc2007 import explainer_vgg16
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    return explainer_vgg16.experiment(explainer.Config.voc_resnet50(), "runs/voc_resnet50")
