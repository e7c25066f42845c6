"""NN-Explainer of the VGG-16 classifier of COCO 2014: DeepLabv3 on ResNet-50.

    python train.py --config=configs/coco2014/explainer_vgg16.py \
        --workdir=runs/coco_explainer_vgg16 --config.start.weights=resnet50.pth

The published settings of Stalder et al. 2022: Adam at 1e-5, batches of 16, no augmentation, stopped
when two epochs in a row have not lowered the validation loss by 0.001. One thing differs: there
the classifier's dropout was on while the Explainer learned, and here it is off. As there:
--config.method.classifier_mode=train_like_reference. It needs a GPU, the classifier of
classifier_vgg16.py, and torchvision's ResNet-50 for the network's trunk.
"""

from configs import recipes
from configs.coco2014.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.methods import explainer


def get_config() -> Experiment:
    """The experiment."""
    stop = recipes.until_stale(PICTURES, patience=2)
    method = explainer.Config.coco_vgg16()
    return recipes.new_explainer(PICTURES, method, "runs/coco_vgg16", **stop)
