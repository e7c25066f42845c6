"""The runs of Stalder et al. 2022, What You See is What You Classify: what VOC and COCO share.

The settings are those of the authors' code (github.com/stevenstalder/NN-Explainer): Adam, batches
of 16, no augmentation, whole pictures at 224 x 224, stopped when `patience` epochs in a row have
not lowered the validation loss by 0.001. Trunks begin with torchvision's weights.

What differs: there the frozen ResNet-50's batch norm went on adapting, while its head learned and
while its Explainer did, and VGG-16's dropout was on while its Explainer learned. Here the one
stands still and the other is off, unless a config is started as its docstring says.
"""

from typing import Any

from configs import recipes
from configs.recipes import Pictures
from xai_jax.experiment import Experiment, Validation
from xai_jax.methods import explainer, extremal, fido
from xai_jax.pretrain import classifier
from xai_jax.scoring.evaluation import Contestant

FEW = 20  # pictures that a method explains which takes one class at a time
_NEVER = 10**7  # steps, that a run which stops early does not reach


def until_stale(pictures: Pictures, patience: int) -> dict[str, Any]:
    """Data, validation and steps of a run that stops early.

    Args:
        pictures: with the splits "train" and "validation".
        patience: epochs in a row that have not lowered the validation loss by 0.001, at which a run
            stops.
    """
    validation = Validation(
        data=pictures.once("validation"), every=0, min_delta=0.001, patience=patience
    )
    return {"data": pictures.training(), "validation": validation, "num_steps": _NEVER}


def classifier_vgg16(pictures: Pictures) -> Experiment:
    """VGG-16's ImageNet trunk, frozen, under three new layers."""
    return _classifier(pictures, "vgg16", learning_rate=1e-5, dropout=0.5)


def classifier_resnet50(pictures: Pictures, trunk: str) -> Experiment:
    """ResNet-50's ImageNet trunk, its weights frozen, under one new layer.

    Args:
        pictures: that it learns to tell.
        trunk: "resnet50", or "resnet50_batch_norm", whose batch norm's statistics adapt.

    Raises:
        ValueError: it is another trunk.
    """
    name = recipes.named(trunk, {name: name for name in ("resnet50", "resnet50_batch_norm")})
    return _classifier(pictures, name, learning_rate=1e-4, dropout=0.0)


def _classifier(pictures: Pictures, name: str, **learning: float) -> Experiment:
    method = classifier.Config(num_classes=len(pictures.class_names), **learning)
    return recipes.new_classifier(pictures, name, method, **until_stale(pictures, patience=5))


def explainer_of(
    explained: str, pictures: Pictures, method: explainer.Config, patience: int
) -> Experiment:
    """The Explainer of the classifier that a run has left in the folder `explained`."""
    return recipes.new_explainer(pictures, method, explained, **until_stale(pictures, patience))


def one_class_at_a_time() -> dict[str, Contestant]:
    """FIDO and Extremal Perturbations on the first `FEW` pictures; no class specificity.

    FIDO has the settings of Chang et al. 2019, 2,400 classifier calls a class; Extremal
    Perturbations those with which Stalder et al. compared, four areas and 800 steps.
    """
    areas = extremal.Config(
        areas=(0.05, 0.1, 0.2, 0.3), reward=extremal.Reward.CONTRASTIVE, smooth=0.09
    )
    few = {"num_pictures": FEW, "num_specific": 0}
    return {
        "fido": Contestant(method=fido.Config(), **few),
        "extremal": Contestant(method=areas, stretched=True, **few),
    }
