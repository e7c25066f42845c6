"""STEEX of your own pictures: which regions turn the decision, and how real what is drawn looks.

    python evaluate.py --config=configs/own/evaluate_steex.py:FOLDER:COLUMN:REGION,REGION,... \
        --workdir=runs/own_regions

It needs what configs/own/classifier.py and configs/own/sean.py leave, and scores the split "test".
With `:oracle` behind all this, what configs/own/oracle.py leaves is asked in every row, too.
Rows are the reconstruction, the general mode as published and sparing, and each region by itself
with the sparsest set of them that flips.

Expect no figure: it depends on the pictures.
"""

from configs import recipes
from configs.own import classifier, scenes
from configs.steex import evaluations, recipe
from xai_jax.scoring.evaluation import Evaluation


def get_config(where: str = scenes.EXAMPLE) -> Evaluation:
    """The evaluation; `where` is "FOLDER:COLUMN:REGION,REGION,...", ":oracle" behind it."""
    where, asked = recipes.judged(where)
    own = scenes.scenes(where)
    oracle = "runs/own_oracle" if asked else ""
    data = recipe.with_regions(own.pictures.once("test"))
    runs = "runs/own_classifier", "runs/own_sean"
    trained = classifier.get_config(own.kinds)
    return evaluations.scores(trained, data, runs, own.regions, None, oracle=oracle)
