"""What the trainings of this folder leave, for its evaluations."""

from configs import recipes
from configs.voc2007 import explainer_resnet50, explainer_vgg16, rtis_vgg16
from xai_jax.experiment import Experiment
from xai_jax.scoring.evaluation import Contestant


def learned(which: str) -> tuple[Experiment, dict[str, Contestant]]:
    """The training of an Explainer, and all that was trained on the same classifier.

    Args:
        which: "vgg16", "rtis" for it and RTIS, or "resnet50".

    Raises:
        ValueError: there is no such choice.
    """
    vgg16 = explainer_vgg16.get_config(), "runs/voc_explainer_vgg16"
    resnet50 = explainer_resnet50.get_config(), "runs/voc_explainer_resnet50"
    trained, run = recipes.named(which, {"vgg16": vgg16, "rtis": vgg16, "resnet50": resnet50})
    contestants = {"explainer": recipes.left_by(trained, run)}
    if which == "rtis":
        contestants["rtis"] = recipes.left_by(rtis_vgg16.get_config(), "runs/voc_rtis_vgg16")
    return trained, contestants
