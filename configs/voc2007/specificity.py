"""Class specificity on VOC 2007: all pictures of its test that show one of five classes.

    python evaluate.py --config=configs/voc2007/specificity.py \
        --workdir=runs/voc_specificity_vgg16

Bottle, car, cat, dog and person. It needs a GPU and the trainings that evaluate.py needs, and takes
the same :rtis and :resnet50.

Expect in specificity.csv, for VGG-16 and for :rtis, the matrices in the output cells of the
notebook evaluate_class_scores.ipynb of Stalder et al. 2022, which docs/explainer.md and
docs/rtis.md quote: of a class under its own mask 53.47 % on average by the Explainer (under
another's 5.81 %), 58.67 % by RTIS (41.77 %). For :resnet50 no figure of theirs is known here.

All pictures go through. Most were never segmented, so that all of their mask is void: the
columns that compare with the truth, and the row of the truth, are of those that were.
"""

from configs import recipes
from configs.voc2007.learned import learned
from configs.voc2007.objects import PICTURES
from xai_jax.scoring.evaluation import Evaluation

COMPARED = ("bottle", "car", "cat", "dog", "person")


def get_config(which: str = "vgg16") -> Evaluation:
    """The evaluation.

    Args:
        which: "vgg16", "rtis" for it and RTIS, or "resnet50".
    """
    classes = tuple(PICTURES.class_names.index(name) for name in COMPARED)
    trained, contestants = learned(which)
    return recipes.scores_of(trained, PICTURES.once("test", "soft"), contestants, classes)
