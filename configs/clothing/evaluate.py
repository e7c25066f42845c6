"""All explanations of the clothes classifier against the masks that people drew, on 200 pictures.

    python evaluate.py --config=configs/clothing/evaluate.py --workdir=runs/clothing_scores

It needs the classifier and the Explainer, which the other configs of this folder train; where RTIS
is trained too, --config=configs/clothing/evaluate.py:rtis adds its row. FIDO and Extremal
Perturbations explain one class at a time and are scored on the first 20 pictures; the latter with
its lengths scaled to the size of the pictures, three of the published four areas and 150 of the 800
steps, in which its area weight grows as far. Attributions that ask the classifier many times are
scored on these 20, too (lite0.attributions).

Expect with :rtis, which printed it in 13 min 53 s on two CPU cores, the table of docs/explainer.md:
mean F1 0.327 of the Explainer, 0.456 of RTIS and 0.521 of a blob in the middle on 200 pictures,
0.245 of FIDO and 0.451 of Extremal Perturbations on the first 20.
"""

from configs import lite0, recipes
from configs.clothing import explainer_lite0, rtis_lite0
from configs.clothing.clothes import PICTURES
from xai_jax.methods import extremal
from xai_jax.metrics.evidence_maps import localisation
from xai_jax.scoring.evaluation import Evaluation

COMPARED = ("trousers", "outerwear", "dress", "eyewear", "bag")  # all in the first 20 pictures


def get_config(more: str = "") -> Evaluation:
    """The evaluation; --config.contestants.explainer.trained=FILE takes another file.

    Args:
        more: "rtis" for the row of RTIS, which must be trained.
    """
    trained = explainer_lite0.get_config()
    contestants = {"explainer": recipes.left_by(trained, "runs/clothing_explainer")}
    if more == "rtis":
        contestants["rtis"] = recipes.left_by(rtis_lite0.get_config(), "runs/clothing_rtis")
    contestants |= lite0.one_class_at_a_time(
        num_specific=0,
        areas=(0.05, 0.1, 0.2),
        reward=extremal.Reward.CONTRASTIVE,
        smooth=0.09,
    )
    contestants |= lite0.attributions()
    classes = tuple(PICTURES.class_names.index(name) for name in COMPARED)
    scores = recipes.scores_of(trained, PICTURES.once("test", "soft"), contestants, classes)
    scores.metrics, scores.resamples = (localisation(),), 2000
    return scores
