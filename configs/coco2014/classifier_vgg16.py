"""VGG-16's ImageNet trunk, frozen, under three new layers: the explained classifier of COCO 2014.

    python train.py --config=configs/coco2014/classifier_vgg16.py --workdir=runs/coco_vgg16 \
        --config.explained.classifier.weights=vgg16.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-5 and patience for
five epochs. It needs a GPU and torchvision's weights.

Expect no figure: none of theirs is known here, since the output of their notebook is of VOC 2007.
"""

from configs import published
from configs.coco2014.objects import PICTURES
from xai_jax.experiment import Experiment


def get_config() -> Experiment:
    """The experiment."""
    return published.classifier_vgg16(PICTURES)
