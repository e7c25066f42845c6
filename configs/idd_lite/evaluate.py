"""Counterfactual driving scenes: only the sky can decide.

    python evaluate.py --config=configs/idd_lite/evaluate.py --workdir=runs/idd_scores

It needs what classifier.py and sean.py of this folder train, at the same size. Rows are as in
configs/steex/planted_evaluate.py. With `:floors` (and what oracle.py trains) STEEX stands beside
adversarial pictures and latent shift on the same generator, and the oracle judges, too. With
`:small` and `:small_floors` the pictures are of 64 x 40 pixels, as with `:naive` and `:ahead`,
which explain the other classifiers of classifier.py.

Expect no figure yet: nobody has run it.
"""

from configs import recipes
from configs.idd_lite import classifier
from configs.idd_lite.skies import ALL_REGIONS, DECIDES, DECISIONS
from configs.steex import recipe
from xai_jax.classifiers.pretrained import Named
from xai_jax.scoring.evaluation import Evaluation

CLASSIFIERS = {"naive": "runs/idd_naive", "ahead": "runs/idd_ahead"}
ORACLE = "runs/idd_oracle/classifier.safetensors"
ALONE = {"naive": ("sky",), "ahead": ()}  # what all of these pictures have
FLOORS = {"floors": "full", "small_floors": "small"}  # of the decisions of these sizes


def get_config(which: str = "full") -> Evaluation:
    """The evaluation; `which` is a key of DECISIONS or of FLOORS."""
    name = recipes.named(which, FLOORS | {name: name for name in DECISIONS})
    data = recipe.with_regions(DECISIONS[name].once("test"))
    runs = CLASSIFIERS.get(name, "runs/idd_classifier"), "runs/idd_sean"
    decides = DECIDES.get(name, "sky")
    made = recipe.scores(classifier.get_config(name), data, runs, ALL_REGIONS, decides)
    if which in FLOORS:
        return recipe.floors(made, Named(name=ORACLE).build())
    if which in CLASSIFIERS:
        return recipe.few(made, *ALONE[which])
    return made
