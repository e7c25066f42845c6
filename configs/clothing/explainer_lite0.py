"""NN-Explainer of the clothes classifier: the mask of each of the nine classes in one pass.

    python train.py --config=configs/clothing/explainer_lite0.py --workdir=runs/clothing_explainer

It needs the classifier of configs/clothing/classifier_lite0.py. The weights are those published for
VOC-2007 with ResNet-50, but for the entropy (10 and not 3, with which masks stay translucent:
docs/explainer.md), the total variation (a third: pictures are smaller, so that edges are a larger
share of them) and the bounds of the area, which are those of clothes.
"""

from configs import recipes
from configs.clothing.clothes import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture, Segmenter
from xai_jax.report.while_training import ClassMasks

STEPS = 600


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config(
        network=Segmenter(num_classes=len(PICTURES.class_names), architecture=Architecture.LIGHT),
        entropy_weight=10.0,
        variation_weight=0.3,
        bound_weight=0.8,
        target_area_weight=0.01,
        min_area=0.03,
        max_area=0.15,
        max_targets=len(PICTURES.class_names),
        learning_rate=2e-3,
        decay_steps=STEPS,
    )
    validation = PICTURES.once("validation")
    return recipes.new_explainer(
        PICTURES,
        method,
        "runs/clothing_classifier",
        data=PICTURES.training(Augment(rotation=0.0, hue=0.0)),
        validation=Validation(data=validation, every=100),
        panels=ClassMasks(method=method, data=validation),
        num_steps=STEPS,
        log_every=20,
    )
