"""Class specificity on VOC 2007: all pictures of its test that show one of five classes.

    python evaluate.py --config=configs/voc2007/specificity.py \
        --workdir=runs/voc_specificity_vgg16

Bottle, car, cat, dog and person: specificity.csv is the matrix that Stalder et al. 2022 give, which
docs/explainer.md quotes. It needs the trainings that evaluate.py needs, and takes the same :rtis
and :resnet50.

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
