"""Every method on 40 ImageNet pictures, by what needs no truth: curves, drops, sparsity, time.

    python evaluate.py --config=configs/compare/imagenet.py --workdir=runs/compare_imagenet

The classifier is EfficientNet-Lite0 with its own weights; nothing is trained. Pictures are every
25th of imagenet_samples. Methods that take thousands of classifier calls as published are cheaper
here, so that the whole takes an hour or two on two CPU cores: RISE with 1,000 masks, occlusion
every 16 pixels, FIDO and prediction difference with their fast presets, BBMP and RTIS with 100
steps, Extremal Perturbations with one area and 150 steps, iGOS++ with 10 steps of 5 points and
momentum. Each row and column can be changed: --config.contestants.rise.method.num_masks=8000.

Expect symmetric relevance gains on the mean colour of 0.44 for FIDO, 0.32 for Grad-CAM and 0.00 for
random pixels; docs/comparison.md has the table.
"""

import dataclasses

from configs import data_folder
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Builds, Explained, Method
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.part import Spread
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.blur import Blur, KernelBlur
from xai_jax.infills.constant import Mean
from xai_jax.infills.noise import RandomColour
from xai_jax.methods import (
    bbmp,
    controls,
    extremal,
    fido,
    gradcam,
    gradients,
    igos,
    occlusion,
    rise,
    rtis,
)
from xai_jax.metrics.curves import curves
from xai_jax.metrics.evidence_maps import concentration
from xai_jax.scoring.evaluation import (
    Contestant,
    Evaluation,
    kept_or_stretched,
    stretched_saliency,
)

NUM_CLASSES = 1000


def pictures(num: int) -> Pipeline:
    """So many pictures, spread over the thousand classes, as the classifier was trained to see."""
    folder = Folder(
        root=data_folder.path("imagenet_samples"),
        labels=Listed(column="imagenet_index"),
        classes={str(k): (str(k),) for k in range(NUM_CLASSES)},
    )
    return Pipeline(
        source=Spread(source=folder, num=num),
        resize=Preprocess(crop=0.875, resample="bicubic"),
    )


def get_config() -> Evaluation:
    """The evaluation."""
    return Evaluation(
        explained=Explained(classifier=Named(name="efficientnet_lite0"), infill=Blur()),
        data=pictures(40),
        batch_size=8,
        contestants={
            # What is left in a deletion game is not what speaks for the class: BBMP is ranked.
            name: Contestant(
                method=method, mask=stretched_saliency if name == "bbmp" else kept_or_stretched
            )
            for name, method in methods().items()
        },
        metrics=(
            curves(Mean(), "mean"),
            curves(KernelBlur(), "rise"),
            curves(Blur(), "blur", num_steps=14),
            curves(RandomColour(), "noise", num_steps=14),
            concentration(),
        ),
        truth=False,
        resamples=10_000,
    )


def methods() -> dict[str, Builds[Method]]:
    """All methods that need no training, as cheap as two CPU cores ask for; by name."""
    return {
        "fido": fido.Config.fast(),
        "bbmp": bbmp.Config(num_steps=100),
        "extremal": extremal.Config(num_steps=150, area_growth=1.0035 ** (800 / 150)),
        "rtis_per_image": rtis.PerImage(num_steps=100),
        "igos": dataclasses.replace(igos.Config.newer(), num_steps=10, num_points=5),
        "rise": rise.Config(num_masks=1000),
        "gradcam": gradcam.Config(),
        "gradient": gradients.Gradient(),
        "input_x_gradient": gradients.InputXGradient(),
        "smooth_grad": gradients.SmoothGrad(),
        "integrated_gradients": gradients.IntegratedGradients(),
        "occlusion": occlusion.Config(stride=16),
        "prediction_difference": occlusion.PredictionDifference.fast(),
        "random": controls.Random(),
        "centred_blob": controls.CentredBlob(),
        "edges": controls.Edges(),
    }
