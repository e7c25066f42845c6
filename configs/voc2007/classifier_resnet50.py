"""ResNet-50's ImageNet trunk, frozen, under one new layer: the explained classifier of VOC 2007.

    python train.py --config=configs/voc2007/classifier_resnet50.py --workdir=runs/voc_resnet50 \
        --config.classifier.weights=resnet50.pth

The published settings of Stalder et al. 2022, Adam at 1e-4; else as classifier_vgg16. One thing
differs: there batch norm's statistics went on adapting to VOC, and here they are frozen too.
"""

from configs.voc2007 import classifier_vgg16
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return classifier_vgg16.experiment("resnet50", learning_rate=1e-4, dropout=0.0)
