"""NN-Explainer of the ResNet-50 classifier of VOC 2007: DeepLabv3 on another ResNet-50.

    python train.py --config=configs/voc2007/explainer_resnet50.py \
        --workdir=runs/voc_explainer_resnet50 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022, Adam at 1e-4 and other weights of the terms; else as
explainer_vgg16. One thing differs: there the classifier's batch norm went on adapting while the
Explainer learned, and here it is frozen. As there:
--config.method.classifier_mode=train_like_reference
--config.explained.classifier.name=runs/voc_resnet50_batch_norm/classifier.safetensors, the
classifier that classifier_resnet50.py:resnet50_batch_norm leaves.
"""

from configs import recipes
from configs.voc2007.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    stop = recipes.until_stale(PICTURES, patience=5)
    method = explainer.Config.voc_resnet50()
    return recipes.new_explainer(PICTURES, method, "runs/voc_resnet50", **stop)
