"""Counterfactuals of your own pictures, judged by the explained classifier and by the oracle.

    python evaluate.py --config=configs/own/evaluate.py:FOLDER:COLUMN --workdir=runs/own_flips
    python evaluate.py --config=configs/own/evaluate.py:FOLDER:COLUMN:oracle \
        --workdir=runs/own_scores

It needs what the other configs of this folder train, and scores the split "test"; without `:oracle`
nobody is asked but the explained classifier.

Expect no figure: it depends on the pictures.
"""

from configs import recipes
from configs.own import syce, two_kinds
from xai_jax.metrics.counterfactuals import flips
from xai_jax.scoring.evaluation import Evaluation, stretched_saliency


def get_config(where: str = two_kinds.EXAMPLE) -> Evaluation:
    """The evaluation; `where` is "FOLDER:COLUMN" or "FOLDER:COLUMN:oracle"."""
    where, asked = recipes.judged(where)
    trained = syce.get_config(where)
    row = recipes.left_by(trained, "runs/own_syce")
    row.mask = stretched_saliency
    made = recipes.scores_of(trained, two_kinds.pictures(where).once("test"), {"syce": row})
    oracle = recipes.oracle(made.explained.classifier, "runs/own_oracle") if asked else None
    made.metrics = (flips(oracle),)
    made.batch_size, made.truth, made.absent = 32, False, True
    return made
