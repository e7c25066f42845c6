"""ResNet-50's ImageNet trunk, frozen, under one new layer: the explained classifier of COCO 2014.

    python train.py --config=configs/coco2014/classifier_resnet50.py --workdir=runs/coco_resnet50 \
        --config.explained.classifier.weights=resnet50.pth

The published settings of Stalder et al. 2022, Adam at 1e-4; else as classifier_vgg16. One thing
differs: there batch norm's statistics went on adapting to COCO, and here they are frozen too. As
there: --config=configs/coco2014/classifier_resnet50.py:resnet50_batch_norm
--workdir=runs/coco_resnet50_batch_norm, whose classifier is the same network with batch norm that
is not folded into its weights, and somewhat slower.
"""

from configs import recipes
from configs.coco2014.objects import PICTURES
from xai_jax.experiment import Experiment
from xai_jax.pretrain import classifier


def get_config(trunk: str = "resnet50") -> Experiment:
    """The experiment.

    Args:
        trunk: "resnet50_batch_norm" for statistics that adapt.
    """
    method = classifier.Config(
        num_classes=len(PICTURES.class_names), learning_rate=1e-4, dropout=0.0
    )
    stop = recipes.until_stale(PICTURES, patience=5)
    name = recipes.named(trunk, {name: name for name in ("resnet50", "resnet50_batch_norm")})
    return recipes.new_classifier(PICTURES, name, method, **stop)
