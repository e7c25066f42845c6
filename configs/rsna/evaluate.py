"""Maps of SyCE against the boxes that radiologists drew around opacities.

    python evaluate.py --config=configs/rsna/evaluate.py --workdir=runs/rsna_maps
    python evaluate.py --config=configs/rsna/evaluate.py:flips --workdir=runs/rsna_flips

It needs what the other configs of this folder train. The attributions beside SyCE, and the scores,
are those of configs/lgg_mri/evaluate_syce.py; `:flips` asks the oracle about the counterfactuals of
all pictures. For a GPU.

Expect no figure: nobody has run it.
"""

from configs import recipes
from configs.lgg_mri.evaluate_syce import attributions
from configs.rsna import syce
from configs.rsna.chests import PICTURES
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.evidence_maps import localisation
from xai_jax.metrics.percentiles import strongest
from xai_jax.scoring.evaluation import Contestant, Evaluation, positive_saliency


def get_config(which: str = "maps") -> Evaluation:
    """The evaluation; `which` is "maps" or "flips"."""
    only_flips = recipes.named(which, {"maps": False, "flips": True})
    trained = syce.get_config()
    rows = {"syce": recipes.left_by(trained, "runs/rsna_syce")}
    if not only_flips:
        rows |= {name: Contestant(method=method) for name, method in attributions().items()}
    for row in rows.values():
        row.mask = positive_saliency
    made = recipes.scores_of(trained, PICTURES.once("test", "union"), rows)
    if only_flips:
        oracle = recipes.oracle(made.explained.classifier, "runs/rsna_oracle")
        made.metrics, made.truth, made.absent = (flips(oracle),), False, True
    else:
        made.metrics = (strongest(), localisation())
    made.resamples = 2000
    return made
