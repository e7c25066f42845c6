"""Explanations of the tumour classifier against the tumours that people drew, on the test slices.

    python evaluate.py --config=configs/lgg_mri/evaluate.py --workdir=runs/lgg_scores

It needs the classifier and the Explainer that the other configs of this folder train. Slices
without a tumour have no mask to score. Look at Dice and pointing; with one class there is no other
class to compare, and the column saliency is only the logarithm of the area. FIDO and Extremal
Perturbations are scored on the first 20 of these slices, the latter with areas of tumours, lengths
scaled to the size of the slices, and 150 of the 800 steps, in which its area weight grows as far.
"""

from configs import recipes
from configs.lgg_mri import explainer_lite0
from configs.lgg_mri.scans import PICTURES
from xai_jax.methods import extremal, fido
from xai_jax.scoring.evaluation import Contestant, Evaluation

FEW, STEPS = 20, 150


def get_config() -> Evaluation:
    """The evaluation; --config.contestants.explainer.trained=FILE takes another file."""
    trained = explainer_lite0.get_config()
    areas = extremal.Config(
        areas=(0.02, 0.05, 0.1),
        step=4,
        sigma=12.0,
        max_blur=11.0,
        num_steps=STEPS,
        area_growth=1.0035 ** (800 / STEPS),
    )
    contestants = {
        "explainer": recipes.left_by(trained, "runs/lgg_explainer"),
        "fido": Contestant(method=fido.Config.fast(), num_pictures=FEW),
        "extremal": Contestant(method=areas, num_pictures=FEW),
    }
    return recipes.scores_of(trained, PICTURES.once("test", "soft"), contestants)
