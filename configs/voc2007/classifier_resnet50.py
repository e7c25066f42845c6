"""ResNet-50's ImageNet trunk, frozen, under one new layer: the explained classifier of VOC 2007.

    python train.py --config=configs/voc2007/classifier_resnet50.py --workdir=runs/voc_resnet50 \
        --config.explained.classifier.weights=resnet50.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-4 and patience for
five epochs. It needs a GPU and torchvision's weights. For batch norm that adapts, as there:
--config=configs/voc2007/classifier_resnet50.py:resnet50_batch_norm
--workdir=runs/voc_resnet50_batch_norm, the same network, somewhat slower.

Expect no figure: none of theirs is known here, since the output of their notebook is of VGG-16.
"""

from configs import published
from configs.voc2007.objects import PICTURES
from xai_jax.experiment import Experiment


def get_config(trunk: str = "resnet50") -> Experiment:
    """The experiment.

    Args:
        trunk: "resnet50_batch_norm" for statistics that adapt.
    """
    return published.classifier_resnet50(PICTURES, trunk)
