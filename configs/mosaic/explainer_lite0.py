"""NN-Explainer of the classifier of mosaics: the mask of each of the twelve groups in one pass.

    python train.py --config=configs/mosaic/explainer_lite0.py --workdir=runs/mosaic_explainer

It needs the classifier of configs/mosaic/classifier_lite0.py. The masks begin as its evidence, for
there are too few pictures for a network to learn twelve groups from (docs/explainer.md). The other
weights are those of configs/clothing/explainer_lite0.py, but for the bounds of the area, a tile
being a quarter, and for presence_weight.

Expect, at the end of its metrics.jsonl, 1.61 of the 2.09 classes of a mosaic found in the kept part
and 0.66 found wrongly.
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
