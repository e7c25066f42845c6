"""What the runs for two CPU cores share: EfficientNet-Lite0, explained by a network of its size."""

from typing import Any

from configs import recipes
from configs.recipes import Pictures
from xai_jax.core.infill import Infill
from xai_jax.core.method import Builds
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.methods import (
    controls,
    explainer,
    extremal,
    fido,
    gradcam,
    gradients,
    occlusion,
    rise,
    rtis,
)
from xai_jax.nn.segmenter import Architecture, Segmenter
from xai_jax.pretrain import classifier
from xai_jax.report.while_training import ClassMasks
from xai_jax.scoring.evaluation import Contestant, positive_saliency, stretched_saliency

FEW = 20  # pictures that a method explains which takes one class at a time
STEPS = 150  # of Extremal Perturbations, in place of the published 800


RTIS_BLUR = rtis.Alternative(blur=10.0, blur_radius=40)  # pixels, as on pictures of 224


def light(pictures: Pictures) -> Segmenter:
    """The network that draws a mask of each class."""
    return Segmenter(num_classes=len(pictures.class_names), architecture=Architecture.LIGHT)


def new_classifier(
    pictures: Pictures, augment: Augment, num_steps: int, **validation: Any
) -> Experiment:
    """A new head, and the ImageNet trunk trained on at a tenth of its rate.

    Args:
        pictures: with the splits "train" and "validation".
        augment: how pictures of the training vary.
        num_steps: in which the rates fall to 0.
        **validation: fields of the Validation, but for its data.
    """
    method = classifier.Config(
        num_classes=len(pictures.class_names),
        learning_rate=1e-3,
        trunk_frozen=False,
        trunk_rate=1e-4,
        dropout=0.3,
        decay_steps=num_steps,
    )
    return recipes.new_classifier(
        pictures,
        "efficientnet_lite0",
        method,
        data=pictures.training(augment),
        validation=Validation(data=pictures.once("validation"), **validation),
        num_steps=num_steps,
        log_every=20,
    )


def new_explainer(
    explained: str,
    pictures: Pictures,
    augment: Augment,
    num_steps: int,
    infill: Builds[Infill] | None = None,
    **terms: Any,
) -> Experiment:
    """The Explainer of the classifier that a run has left in the folder `explained`.

    Args:
        explained: that folder.
        pictures: with the splits "train" and "validation".
        augment: how pictures of the training vary.
        num_steps: in which the rate falls to 0.
        infill: what stands where a mask removes; ``None``: the mean colour.
        **terms: fields of the method, in place of those published for VOC 2007 with VGG-16. The
            weight of the variation is 0.3 unless given: edges are a larger share of small pictures.
    """
    usual = {"variation_weight": 0.3, "learning_rate": 2e-3}
    given = usual | terms
    method = explainer.Config(network=light(pictures), decay_steps=num_steps, **given)
    validation = pictures.once("validation")
    return recipes.new_explainer(
        pictures,
        method,
        explained,
        infill,
        data=pictures.training(augment),
        validation=Validation(data=validation, every=100),
        panels=ClassMasks(method=method, data=validation),
        num_steps=num_steps,
        log_every=20,
    )


def one_class_at_a_time(num_specific: int | None, **areas: Any) -> dict[str, Contestant]:
    """FIDO's fast preset and cheaper Extremal Perturbations, on the first `FEW` pictures.

    Lengths and prices are in proportion to the pictures (`core.lengths`). Extremal Perturbations
    have `STEPS` steps, in which the area weight grows as far as in the published ones.

    Args:
        num_specific: pictures for the class specificity of Extremal Perturbations.
        **areas: its fields that differ between data sets.
    """
    growth = 1.0035 ** (800 / STEPS)
    method = extremal.Config(num_steps=STEPS, area_growth=growth, **areas)
    return {
        "fido": Contestant(method=fido.Config.fast(), num_pictures=FEW),
        "extremal": Contestant(method=method, num_pictures=FEW, num_specific=num_specific),
    }


def attributions() -> dict[str, Contestant]:
    """What people compare with and has no mask of its own: its positive evidence is scored.

    Those that ask the classifier many times explain the first `FEW` pictures; RISE has 1,000 masks
    in place of 8,000, and occlusion an eighth of the picture's side every sixteenth.
    """
    slow = {
        "smooth_grad": gradients.SmoothGrad(),
        "integrated_gradients": gradients.IntegratedGradients(),
        "occlusion": occlusion.Config(window=16, stride=8),
        "rise": rise.Config(num_masks=1000),
    }
    rows = {"gradcam": Contestant(method=gradcam.Config())}
    rows |= {name: Contestant(method=method, num_pictures=FEW) for name, method in slow.items()}
    rows |= {
        "random": Contestant(method=controls.Random()),
        "centred_blob": Contestant(method=controls.CentredBlob()),
        "edges": Contestant(method=controls.Edges()),
    }
    for name, row in rows.items():  # the map of RISE has no zero
        row.mask = stretched_saliency if name == "rise" else positive_saliency
        row.num_specific = 0
    return rows
