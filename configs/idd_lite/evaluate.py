"""Counterfactual driving scenes: only the sky can decide.

    python evaluate.py --config=configs/idd_lite/evaluate.py --workdir=runs/idd_scores

It needs what classifier.py and sean.py of this folder train. Rows are the general mode and each
region by itself, where it is there.

Expect no figure yet: nobody has run it.
"""

from configs.idd_lite import classifier
from configs.idd_lite.skies import DECIDES, PICTURES, REGIONS
from configs.steex import recipe
from xai_jax.scoring.evaluation import Evaluation


def get_config() -> Evaluation:
    """The evaluation."""
    data = recipe.with_regions(PICTURES.once("validation"))
    runs = "runs/idd_classifier", "runs/idd_sean"
    return recipe.scores(classifier.get_config(), data, runs, REGIONS, DECIDES)
