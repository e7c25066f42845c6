"""NN-Explainer of the VGG-16 classifier of COCO 2014: DeepLabv3 on ResNet-50.

    python train.py --config=configs/coco2014/explainer_vgg16.py \
        --workdir=runs/coco_explainer_vgg16 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-5 and patience for
two epochs. It needs a GPU, the classifier of classifier_vgg16.py, and torchvision's ResNet-50 for
the network's trunk. For a classifier whose dropout is on, as there:
--config.method.classifier_mode=train_like_reference.

Expect no figure: none of theirs is known here, since the output of their notebook is of VOC 2007.
"""

from configs import published
from configs.coco2014.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    return published.explainer_of("runs/coco_vgg16", PICTURES, explainer.Config.coco_vgg16(), 2)
