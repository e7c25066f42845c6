"""All explanations of the clothes classifier against the masks that people drew, on 200 pictures.

    python evaluate.py --config=configs/clothing/evaluate.py --workdir=runs/clothing_scores

It needs the classifier and the Explainer, which the other configs of this folder train; where RTIS
is trained too, --config=configs/clothing/evaluate.py:rtis adds its row. FIDO and Extremal
Perturbations explain one class at a time and are scored on the first 20 pictures; the latter with
its lengths scaled to the size of the pictures, three of the published four areas and 150 of the 800
steps, in which its area weight grows as far.
"""

from configs import recipes
from configs.clothing import explainer_lite0, rtis_lite0
from configs.clothing.clothes import PICTURES
from xai_jax.methods import extremal, fido
from xai_jax.scoring.evaluation import Contestant, Evaluation

COMPARED = ("trousers", "outerwear", "dress", "eyewear", "bag")  # all in the first 20 pictures
FEW, STEPS = 20, 150


def get_config(more: str = "") -> Evaluation:
    """The evaluation; --config.contestants.explainer.trained=FILE takes another file.

    Args:
        more: "rtis" for the row of RTIS, which must be trained.
    """
    trained = explainer_lite0.get_config()
    areas = extremal.Config(
        areas=(0.05, 0.1, 0.2),
        reward=extremal.Reward.CONTRASTIVE,
        step=4,
        sigma=12.0,
        max_blur=11.0,
        num_steps=STEPS,
        area_growth=1.0035 ** (800 / STEPS),
        smooth=0.09,
    )
    contestants = {"explainer": recipes.left_by(trained, "runs/clothing_explainer")}
    if more == "rtis":
        contestants["rtis"] = recipes.left_by(rtis_lite0.get_config(), "runs/clothing_rtis")
    contestants["fido"] = Contestant(method=fido.Config.fast(), num_pictures=FEW)
    contestants["extremal"] = Contestant(method=areas, num_pictures=FEW, num_specific=0)
    classes = tuple(PICTURES.class_names.index(name) for name in COMPARED)
    return recipes.scores_of(trained, PICTURES.once("test", "soft"), contestants, classes)
