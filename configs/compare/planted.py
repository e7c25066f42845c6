"""Every method on planted pictures, of which it is known what the classifier reads.

    python evaluate.py --config=configs/compare/planted.py --workdir=runs/compare_planted

Two textures of four stand in a picture, and the classifier measures how much of it has the texture
of its class (`data.planted`). Methods are those of configs/compare/imagenet.py, with grey in place
of what is removed, but for Grad-CAM: this classifier has no activations to weigh. Squares of
occlusion and of prediction difference fit pictures of 64 pixels.

Expect, in 6 min 51 s on two CPU cores that did other work too, mean F1 of 0.758 for FIDO, 0.633 for
prediction difference and 0.182 for random maps; docs/comparison.md has the table.
"""

from configs.compare import imagenet
from configs.smoke import explainer as planted_explainer
from xai_jax.infills.constant import Constant
from xai_jax.methods import occlusion
from xai_jax.metrics.curves import curves
from xai_jax.metrics.evidence_maps import concentration, localisation
from xai_jax.scoring.evaluation import (
    Contestant,
    Evaluation,
    kept_or_stretched,
    positive_saliency,
    stretched_saliency,
)

NUM = 40
# What has a scale of its own, and no mask: its positive part is judged.
SIGNED = (
    "gradient",
    "input_x_gradient",
    "smooth_grad",
    "integrated_gradients",
    "occlusion",
    "prediction_difference",
)


def get_config() -> Evaluation:
    """The evaluation."""
    methods = imagenet.methods() | {
        "occlusion": occlusion.Config(),
        "prediction_difference": occlusion.PredictionDifference(window=8, stride=4, num_samples=1),
    }
    del methods["gradcam"]
    masks = {"bbmp": stretched_saliency} | dict.fromkeys(SIGNED, positive_saliency)
    return Evaluation(
        explained=planted_explainer.explained(),
        data=planted_explainer.pictures("test", NUM, 1),
        batch_size=8,
        contestants={
            name: Contestant(method=method, mask=masks.get(name, kept_or_stretched))
            for name, method in methods.items()
        },
        metrics=(localisation(), curves(Constant(value=0.5), "grey"), concentration()),
        resamples=2000,
    )
