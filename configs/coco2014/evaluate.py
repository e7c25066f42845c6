"""Explanations of COCO 2014's classifiers against the masks of 2,000 pictures of val2014.

    python evaluate.py --config=configs/coco2014/evaluate.py --workdir=runs/coco_scores_vgg16

It needs the classifier and the Explainer of VGG-16, which the other configs of this folder train;
--config=configs/coco2014/evaluate.py:resnet50 scores those of ResNet-50. The pictures are the first
2,000 by their number that have annotations; the authors of NN-Explainer drew 1,000 or 2,000 without
a seed. FIDO and Extremal Perturbations, with the published settings (configs/published.py), explain
one class at a time and are scored on the first 20. Truth is the union of all annotations, crowds
included. It needs a GPU.

Expect the rows 0, 0.5, 1 and truth as docs/evaluation.md derives them. Of the methods no figure is
known here, since the output of the authors' notebook is of VOC 2007.
"""

import dataclasses

from configs import published, recipes
from configs.coco2014 import explainer_resnet50, explainer_vgg16
from configs.coco2014.objects import PICTURES
from xai_jax.data import catalog
from xai_jax.scoring.evaluation import Evaluation

FIRST = dataclasses.replace(catalog.COCO2014, splits={"test": "test[:2000]"})
TRAINED = {"vgg16": explainer_vgg16, "resnet50": explainer_resnet50}


def get_config(which: str = "vgg16") -> Evaluation:
    """The evaluation.

    Args:
        which: "vgg16" or "resnet50".
    """
    trained = recipes.named(which, TRAINED).get_config()
    data = PICTURES.once("test", "union")
    data = dataclasses.replace(data, source=catalog.Tfds(spec=FIRST, split="test"))
    explainer = recipes.left_by(trained, f"runs/coco_explainer_{which}")
    return recipes.scores_of(
        trained, data, {"explainer": explainer, **published.one_class_at_a_time()}
    )
