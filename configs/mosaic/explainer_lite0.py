"""NN-Explainer of the classifier of mosaics: the mask of each of the twelve groups in one pass.

    python train.py --config=configs/mosaic/explainer_lite0.py --workdir=runs/mosaic_explainer

It needs the classifier of configs/mosaic/classifier_lite0.py. The weights are those of
configs/clothing/explainer_lite0.py, but for the bounds of the area: a tile is a quarter.

Expect a Focus of 24.5 %, no more than a map that knows nothing has (docs/explainer.md).
"""

import dataclasses

from configs import lite0
from configs.mosaic.classifier_lite0 import COLOURS
from configs.mosaic.mosaics import PICTURES
from xai_jax.experiment import Experiment

STEPS = 400


def get_config() -> Experiment:
    """The experiment."""
    like = lite0.new_explainer(
        "runs/mosaic_classifier",
        PICTURES,
        COLOURS,
        STEPS,
        entropy_weight=10.0,
        presence_weight=1.0,
        from_evidence=True,
        learning_rate=1e-3,
        trunk_rate=1e-4,
        bound_weight=0.8,
        target_area_weight=0.01,
        min_area=0.05,
        max_area=0.25,
        max_targets=4,
    )
    return dataclasses.replace(like, batch_size=8)
