"""Explanations of VOC 2007's classifiers against the segmented pictures of its test.

    python evaluate.py --config=configs/voc2007/evaluate.py --workdir=runs/voc_scores_vgg16

It needs the classifier and the Explainer of VGG-16, which the other configs of this folder train;
--config=configs/voc2007/evaluate.py:rtis adds the row of RTIS, trained on the same classifier, and
configs/voc2007/evaluate.py:resnet50 scores the Explainer of ResNet-50. FIDO and Extremal
Perturbations, with the published settings, explain one class at a time and are scored on the first
20 pictures.

Void, the border that people left around each object, is not scored, and at an object's edge the
truth is the share of a pixel that it covers; the authors of NN-Explainer counted both as all
object, which --config.data.void_is_object=True does. Class specificity, which they measured on all
pictures of the test, is in specificity.py.
"""

from configs import recipes
from configs.voc2007.learned import learned
from configs.voc2007.objects import PICTURES
from xai_jax.scoring.evaluation import Evaluation

FEW = 20


def get_config(which: str = "vgg16") -> Evaluation:
    """The evaluation.

    Args:
        which: "vgg16", "rtis" for it and RTIS, or "resnet50".
    """
    trained, contestants = learned(which)
    contestants |= recipes.one_class_at_a_time(FEW)
    return recipes.scores_of(trained, PICTURES.once("test_masks", "union"), contestants)
