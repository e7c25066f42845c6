"""NN-Explainer of the clothes classifier: the mask of each of the nine classes in one pass.

    python train.py --config=configs/clothing/explainer_lite0.py --workdir=runs/clothing_explainer

It needs the classifier of configs/clothing/classifier_lite0.py. The weights are those published for
VOC-2007 with ResNet-50, but for the entropy (10 and not 3, with which masks stay translucent:
docs/explainer.md), the total variation (a third: pictures are smaller, so that edges are a larger
share of them) and the bounds of the area, which are those of clothes.

Expect a mean F1 of 0.327, a continuous IoU of 0.226, an AUC of 0.836 and pointing at 0.515 on the
200 pictures of the test, measured by
`python evaluate.py --config=configs/clothing/evaluate.py:rtis --workdir=runs/clothing_scores`.
"""

from configs import lite0
from configs.clothing.clothes import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment

STEPS = 600


def get_config() -> Experiment:
    """The experiment."""
    return lite0.new_explainer(
        "runs/clothing_classifier",
        PICTURES,
        Augment(rotation=0.0, hue=0.0),
        STEPS,
        entropy_weight=10.0,
        bound_weight=0.8,
        target_area_weight=0.01,
        min_area=0.03,
        max_area=0.15,
        max_targets=len(PICTURES.class_names),
    )
