"""Counterfactual driving scenes: only the sky can decide.

    python evaluate.py --config=configs/idd_lite/evaluate.py --workdir=runs/idd_scores

It needs what classifier.py and sean.py of this folder train, at the same size: `:small` is that of
64 x 40 pixels. Rows are as in configs/steex/planted_evaluate.py.

Expect no figure yet: nobody has run it.
"""

from configs import recipes
from configs.idd_lite import classifier
from configs.idd_lite.skies import DECIDES, REGIONS, SIZES
from configs.steex import recipe
from xai_jax.scoring.evaluation import Evaluation


def get_config(which: str = "full") -> Evaluation:
    """The evaluation; `which` is "full" or "small"."""
    pictures = recipes.named(which, SIZES)
    data = recipe.with_regions(pictures.once("test"))
    runs = "runs/idd_classifier", "runs/idd_sean"
    regions = (*REGIONS, "unlabelled")
    return recipe.scores(classifier.get_config(which), data, runs, regions, DECIDES)
