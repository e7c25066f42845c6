"""NN-Explainer of the tumour classifier: one class, whose mask should lie on the tumour.

    python train.py --config=configs/lgg_mri/explainer_lite0.py --workdir=runs/lgg_explainer

It needs the classifier of configs/lgg_mri/classifier_lite0.py. With one class the published loss is
met by a mask over most of the head (docs/explainer.md). So the removed part of a slice with a
tumour shall look healthy (presence_weight, in place of the entropy), what is removed becomes black,
the colour around the head, and the bound of the area is firm; a tumour covers 2 % of a slice.

Expect Dice of 0.390, an AUC of 0.946 and pointing at 0.836 on the 201 slices of the test that show
a tumour, measured by
`python evaluate.py --config=configs/lgg_mri/evaluate.py --workdir=runs/lgg_scores`.
"""

from configs import lite0
from configs.lgg_mri.scans import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment
from xai_jax.infills.constant import Constant


def get_config() -> Experiment:
    """The experiment."""
    return lite0.new_explainer(
        "runs/lgg_classifier",
        PICTURES,
        Augment(saturation=0.0, hue=0.0),
        240,
        infill=Constant(value=0.0),
        entropy_weight=0.0,
        presence_weight=3.0,
        bound_weight=30.0,
        target_area_weight=0.01,
        other_area_weight=0.3,
        min_area=0.005,
        max_area=0.1,
        max_targets=1,
    )
