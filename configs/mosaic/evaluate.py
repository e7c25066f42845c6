"""All explanations of the classifier of mosaics, of which it is known where each class is shown.

    python evaluate.py --config=configs/mosaic/evaluate.py --workdir=runs/mosaic_scores

It needs the classifier, the Explainer and RTIS, which the other configs of this folder train; with
--config=configs/mosaic/evaluate.py:untrained it needs the classifier alone, and the two may follow
later. With :shuffled the classifier is that of classifier_shuffled.py, whose labels were those of
other pictures, so that there is nothing to find. Look at Focus: a map that knows nothing of the
class has 25 %. Methods that ask the classifier hundreds of times or more are scored on the first
pictures only. FIDO, Extremal Perturbations and RISE are cheaper than published: 150 calls, three
areas in 150 steps, 1,000 masks.

Expect, in 18 min on two CPU cores, the table of docs/explainer.md: mean F1 of 0.807 by the
Explainer, 0.731 by Grad-CAM and 0.636 by RTIS, Focus of 61.6, 80.6 and 27.9 %; with :shuffled, an
AUC of 0.507 by Grad-CAM.
"""

import dataclasses
from typing import Any

from configs import lite0, recipes
from configs.mosaic import explainer_lite0, rtis_lite0
from configs.mosaic.mosaics import PICTURES
from xai_jax.classifiers.pretrained import Named
from xai_jax.methods import controls, extremal, gradcam, gradients, rise
from xai_jax.metrics.tiles import focus
from xai_jax.scoring.evaluation import (
    Contestant,
    Evaluation,
    kept,
    positive_saliency,
    stretched_saliency,
)

COMPARED = ("dogs", "birds", "insects", "cars", "food")
SHUFFLED_RUN = "runs/mosaic_shuffled"
FEW = 8  # pictures that the slow ones explain


def get_config(which: str = "all") -> Evaluation:
    """The evaluation; --config.contestants.explainer.trained=FILE takes another file.

    Args:
        which: "all", "untrained" for the methods that need the classifier alone, or "shuffled" for
            quick ones on the classifier of labels at random.
    """
    trained = explainer_lite0.get_config()
    slow = lite0.one_class_at_a_time(
        num_specific=0, areas=(0.05, 0.1, 0.2), reward=extremal.Reward.CONTRASTIVE, smooth=0.09
    )
    learned = {
        "explainer": recipes.left_by(trained, "runs/mosaic_explainer"),
        "rtis": recipes.left_by(rtis_lite0.get_config(), "runs/mosaic_rtis"),
    }
    slow_ones = {
        "fido": _few(slow["fido"].method, mask=kept),
        "extremal": _few(slow["extremal"].method, mask=kept),
        "rise": _few(rise.Config(num_masks=1000), mask=stretched_saliency),  # it has no zero
    }
    choices = {"all": learned | slow_ones, "untrained": slow_ones, "shuffled": {}}
    contestants = recipes.named(which, choices) | {
        "gradcam": _ranking(gradcam.Config()),
        "integrated_gradients": _ranking(gradients.IntegratedGradients(), num_pictures=48),
        "random": _ranking(controls.Random()),
        "centred_blob": _ranking(controls.CentredBlob()),
        "edges": _ranking(controls.Edges()),
    }
    classes = tuple(PICTURES.class_names.index(name) for name in COMPARED)
    if which == "shuffled":
        trained.explained = dataclasses.replace(
            trained.explained, classifier=Named(name=f"{SHUFFLED_RUN}/classifier.safetensors")
        )
    scores = recipes.scores_of(trained, PICTURES.once("test", "soft"), contestants, classes)
    scores.metrics = (focus(),)
    return scores


def _ranking(method: Any, **changes: Any) -> Contestant:
    """A method that ranks pixels: its positive evidence, as a share of the largest."""
    return Contestant(method=method, **{"mask": positive_saliency, "num_specific": 0} | changes)


def _few(method: Any, **changes: Any) -> Contestant:
    return _ranking(method, num_pictures=FEW, **changes)
