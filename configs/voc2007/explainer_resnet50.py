"""NN-Explainer of the ResNet-50 classifier of VOC 2007: DeepLabv3 on another ResNet-50.

    python train.py --config=configs/voc2007/explainer_resnet50.py \
        --workdir=runs/voc_explainer_resnet50 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022 (configs/published.py), Adam at 1e-4 and patience for
five epochs. It needs a GPU, the classifier of classifier_resnet50.py, and torchvision's ResNet-50
for the network's trunk. For a classifier whose batch norm adapts, as there:
--config.method.classifier_mode=train_like_reference
--config.explained.classifier.name=runs/voc_resnet50_batch_norm/classifier.safetensors, which
classifier_resnet50.py:resnet50_batch_norm leaves.

Expect no figure: none of theirs is known here, since the output of their notebook is of VGG-16.
"""

from configs import published
from configs.voc2007.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config.voc_resnet50()
    return published.explainer_of("runs/voc_resnet50", PICTURES, method, 5)
