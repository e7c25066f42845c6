"""Explanations of the tumour classifier against the tumours that people drew, on the test slices.

    python evaluate.py --config=configs/lgg_mri/evaluate.py --workdir=runs/lgg_scores
    python evaluate.py --config=configs/lgg_mri/evaluate.py:matched --workdir=runs/lgg_pair_scores

It needs the classifier and the Explainer that the other configs of this folder train. Slices
without a tumour have no mask to score. Look at Dice and pointing; with one class there is no other
class to compare, and the column saliency is only the logarithm of the area. FIDO and Extremal
Perturbations are scored on the first 20 of these slices, the latter with areas of tumours, lengths
scaled to the size of the slices, and 150 of the 800 steps, in which its area weight grows as far;
attributions that ask the classifier many times likewise (lite0.attributions). `:matched` is the
Explainer alone, on pairs of slices that are alike in position and area (matched.py), where the
classifier's AUC owes nothing to these.

Expect, as the command above printed them in 5 min 7 s on two CPU cores (docs/explainer.md has all
rows), Dice of 0.390 and pointing at 0.836 by the Explainer on 201 slices, 0.181 and 0.114 by a blob
in the middle, and on the first 20 slices 0.462 and 0.950 by the Explainer, 0.209 and 0.350 by FIDO,
0.097 and 0.900 by integrated gradients. The classifier has AUC 0.949, where the slice's position
and the brain's area alone have 0.822, by `:matched` 0.823 and these 0.473, and
the Explainer's Dice is 0.366.
"""

import dataclasses

from configs import lite0, recipes
from configs.lgg_mri import explainer_lite0, matched
from configs.lgg_mri.scans import PICTURES, patient, position_and_area
from xai_jax.metrics.evidence_maps import localisation
from xai_jax.scoring.evaluation import Evaluation
from xai_jax.scoring.trivial import Trivial


def get_config(which: str = "all") -> Evaluation:
    """The evaluation; --config.contestants.explainer.trained=FILE takes another file.

    `which` is "all" or "matched".
    """
    pictures = recipes.named(which, {"all": PICTURES, "matched": matched.FULL_SIZE})
    trained = explainer_lite0.get_config()
    contestants = {"explainer": recipes.left_by(trained, "runs/lgg_explainer")}
    if which == "all":
        contestants |= lite0.one_class_at_a_time(num_specific=None, areas=(0.02, 0.05, 0.1))
        contestants |= lite0.attributions()
    whole = recipes.scores_of(trained, pictures.once("test", "soft"), contestants)
    return dataclasses.replace(
        whole,
        metrics=(localisation(),),
        resamples=2000,
        group_of=patient,
        trivial=Trivial(
            data=pictures.once("train"),
            numbers=position_and_area,
            called="the slice's position and the brain's area",
        ),
    )
