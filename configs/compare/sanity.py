"""What costs more than curves, of methods that take a pass or a few, on 8 ImageNet pictures.

    python evaluate.py --config=configs/compare/sanity.py --workdir=runs/compare_sanity

Sanity checks (layers of EfficientNet-Lite0 shuffled from the top down, another class), the largest
change under noise, infidelity, ROAD, the deletion game, the saliency metric of a box, and how
strange the pictures look of which a part is removed. Classifier, pictures and infill are those of
configs/compare/imagenet.py.

Expect a rank correlation of 0.42 for Grad-CAM with the head shuffled, -0.01 with all layers, and 1
throughout for `edges`, to which the classifier's weights say nothing; docs/comparison.md has more.
"""

import dataclasses

from configs.compare import imagenet
from xai_jax.infills.noisy_linear import NoisyLinear
from xai_jax.methods import controls, gradcam, gradients
from xai_jax.metrics import boxes, distributions, responses, sanity
from xai_jax.metrics.curves import curves
from xai_jax.scoring.evaluation import Contestant, Evaluation, stretched_saliency

LAYERS = ("classes", "top", "blocks/15", "blocks/10", "blocks/5", "stem")  # from the top down


def get_config() -> Evaluation:
    """The evaluation."""
    whole = imagenet.get_config()
    methods = {
        "gradient": gradients.Gradient(),
        "input_x_gradient": gradients.InputXGradient(),
        "integrated_gradients": gradients.IntegratedGradients(num_steps=5),
        "gradcam": gradcam.Config(),
        "edges": controls.Edges(),
    }
    return dataclasses.replace(
        whole,
        data=imagenet.pictures(8),
        contestants={
            name: Contestant(method=method, mask=stretched_saliency)
            for name, method in methods.items()
        },
        metrics=(
            sanity.randomisation(LAYERS),
            sanity.randomisation(LAYERS[:2], cascading=False),
            sanity.random_logit(),
            responses.max_sensitivity(num_samples=4),
            responses.infidelity(num_samples=32),
            curves(NoisyLinear(), "road", num_steps=10),
            boxes.deletion_game(),
            boxes.boxed_saliency(),
            distributions.distances(),
        ),
        resamples=1000,
    )
