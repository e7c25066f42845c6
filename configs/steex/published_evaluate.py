"""STEEX as published, on the pictures that its paper explains: success and what it moved.

    python evaluate.py --config=configs/steex/published_evaluate.py --workdir=runs/celeba_scores

of CelebA's smiles; `:celeba_young`, `:celebamask_hq`, `:celebamask_hq_young` and `:bdd` too. It
needs what published_classifier.py, published_segmenter.py and published_sean.py leave; label maps
are predicted. Which region decides is not known: "names it" is how often the mouth, the skin or the
traffic light is what moved most. For a GPU.

Expect no figure: no run here has measured one.
"""

import dataclasses

from configs import recipes
from configs.steex import published_classifier, recipe
from configs.steex.published import SCENES
from xai_jax.scoring.evaluation import Evaluation


def get_config(which: str = "celeba") -> Evaluation:
    """The evaluation; `which` is a key of SCENES."""
    scenes = recipes.named(which, SCENES)
    data = dataclasses.replace(scenes.shown.once(scenes.explained), regions=scenes.predicted)
    runs = f"runs/{which}_classifier", f"runs/{which.removesuffix('_young')}_sean"
    trained = published_classifier.get_config(which)
    return recipe.scores(trained, data, runs, scenes.regions, scenes.decides)
