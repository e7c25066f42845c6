"""Do maps find the square by which the classifier of configs/mnist/tagged.py goes?

    python evaluate.py --config=configs/mnist/evaluate_tagged.py --workdir=runs/mnist_tagged
    python evaluate.py --config=configs/mnist/evaluate_tagged.py:shuffled \
        --workdir=runs/mnist_shuffled

On the 8s of the test, all of which bear the square here; the mask is the square, 4.6 % of the
picture. With `:shuffled` the classifier has learned from the labels of other pictures. The last
columns say whether a map changes when the classifier's layers have lost what they learned. The
map of `syce_of_picture` is the counterfactual's difference from the picture, not from the stable
picture.

Expect SyCE's strongest pixel on the square in all of the pictures, and an IoU at equal area of
0.44, where occlusion has 0.45; with `:shuffled` both are 0 for SyCE. docs/syce.md has the tables.
"""

import dataclasses

from configs import recipes
from configs.mnist import tagged
from xai_jax.infills.constant import Constant
from xai_jax.methods import controls, gradcam, gradients, occlusion, syce
from xai_jax.metrics.evidence_maps import localisation
from xai_jax.metrics.percentiles import strongest
from xai_jax.metrics.sanity import randomisation
from xai_jax.scoring.evaluation import Contestant, Evaluation, positive_saliency

LAYERS = ("classes", "hidden", "layers")  # from the top down


def get_config(which: str = "tagged") -> Evaluation:
    """The evaluation; `which` is "tagged" or "shuffled"."""
    run = recipes.named(which, {"tagged": "syce", "shuffled": "shuffled_syce"})
    trained = tagged.get_config(run)
    methods = {
        "gradient": gradients.Gradient(),
        "integrated_gradients": gradients.IntegratedGradients(),
        "gradcam": gradcam.Config(),
        "occlusion": occlusion.Config(window=6, stride=2),
        "centred_blob": controls.CentredBlob(),
        "random": controls.Random(),
    }
    left = recipes.left_by(trained, f"runs/mnist_{which}_syce")
    contestants = {
        "syce": left,
        "syce_path": recipes.otherwise(left, map=syce.Map.STRAIGHT),
        "syce_of_picture": recipes.otherwise(left, stable=syce.Stable.INPUT),
    }
    contestants |= {name: Contestant(method=method) for name, method in methods.items()}
    for contestant in contestants.values():
        contestant.mask = positive_saliency
    made = recipes.scores_of(trained, tagged.ALL_TAGGED.once("test", "soft"), contestants)
    made.explained = dataclasses.replace(made.explained, infill=Constant(value=0.0))
    made.batch_size = 64
    made.metrics = strongest(), localisation(), randomisation(LAYERS)
    return made
