"""VGG-16's ImageNet trunk, frozen, under three new layers: the explained classifier of COCO 2014.

    python train.py --config=configs/coco2014/classifier_vgg16.py --workdir=runs/coco_vgg16 \
        --config.explained.classifier.weights=vgg16.pth

The published settings of Stalder et al. 2022: Adam at 1e-5, batches of 16, no augmentation, stopped
when five epochs in a row have not lowered the validation loss by 0.001. Weights are torchvision's.
"""

from configs import recipes
from configs.coco2014.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.pretrain import classifier


def get_config() -> Experiment:
    """The experiment."""
    method = classifier.Config(
        num_classes=len(PICTURES.class_names), learning_rate=1e-5, dropout=0.5
    )
    stop = recipes.until_stale(PICTURES, patience=5)
    return recipes.new_classifier(PICTURES, "vgg16", method, **stop)
