"""Explanations of VOC 2007's classifiers against the segmented pictures of its test.

    python evaluate.py --config=configs/voc2007/evaluate.py --workdir=runs/voc_scores_vgg16

It needs the classifier and the Explainer of VGG-16, which the other configs of this folder train;
--config=configs/voc2007/evaluate.py:rtis adds the row of RTIS, trained on the same classifier, and
configs/voc2007/evaluate.py:resnet50 scores the Explainer of ResNet-50. FIDO and Extremal
Perturbations, with the published settings (configs/published.py), explain one class at a time and
are scored on the first 20 pictures. It needs a GPU.

Expect the rows 0, 0.5, 1 and truth as docs/evaluation.md derives them. Of the methods no figure is
known here: the one notebook of the authors whose output has numbers is that of specificity.py.

Void, the border that people left around each object, is not scored, and at an object's edge the
truth is the share of a pixel that it covers; the authors of NN-Explainer counted both as all
object, which --config.data.void_is_object=True does. Class specificity, which they measured on all
pictures of the test, is in specificity.py.
"""

from configs import published, recipes
from configs.voc2007.learned import learned
from configs.voc2007.objects import PICTURES
from xai_jax.scoring.evaluation import Evaluation


def get_config(which: str = "vgg16") -> Evaluation:
    """The evaluation.

    Args:
        which: "vgg16", "rtis" for it and RTIS, or "resnet50".
    """
    trained, contestants = learned(which)
    contestants |= published.one_class_at_a_time()
    return recipes.scores_of(trained, PICTURES.once("test_masks", "union"), contestants)
