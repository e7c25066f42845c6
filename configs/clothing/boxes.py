"""Boxes around the strong part of a map against the clothes: the rules of Fong & Vedaldi 2017.

    python evaluate.py --config=configs/clothing/boxes.py:validation --workdir=runs/clothing_shares
    python evaluate.py --config=configs/clothing/boxes.py --workdir=runs/clothing_boxes

A pixel is strong by one of three rules and a share of each (metrics.localisation). The share of a
method is the best one on the pictures of the validation, which the first command scores, and is
read off in the second one's table, of the first 60 pictures of the test. With them, on both: the
deletion game, pointing with 15 pixels of tolerance, and the box around the largest strong part. It
needs the classifier of configs/clothing/classifier_lite0.py alone.

Expect no figure yet: nobody has run it.
"""

import dataclasses

from configs import recipes
from configs.clothing import explainer_lite0
from configs.clothing.clothes import PICTURES
from xai_jax.methods import controls, gradcam, gradients, occlusion
from xai_jax.metrics import boxes
from xai_jax.metrics.localisation import Rule, found_at
from xai_jax.scoring.evaluation import Contestant, Evaluation, positive_saliency

NUM = 60  # pictures
SHARES = {  # every second or third of the authors' steps
    Rule.MEAN: (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
    Rule.VALUE: (0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
    Rule.ENERGY: (0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
}


def get_config(split: str = "test") -> Evaluation:
    """The evaluation on the pictures of a split."""
    methods = {
        "gradcam": gradcam.Config(),
        "gradient": gradients.Gradient(),
        "occlusion": occlusion.Config(window=16, stride=8),
        "random": controls.Random(),
        "centred_blob": controls.CentredBlob(),
        "edges": controls.Edges(),
    }
    rows = {
        name: Contestant(method=method, mask=positive_saliency, num_pictures=NUM, num_specific=0)
        for name, method in methods.items()
    }
    made = recipes.scores_of(explainer_lite0.get_config(), PICTURES.once(split, "soft"), rows)
    found = tuple(found_at(rule, share) for rule, shares in SHARES.items() for share in shares)
    others = (boxes.box_overlap(), boxes.pointing_game(), boxes.deletion_game())
    return dataclasses.replace(made, metrics=(*found, *others), resamples=2000)
