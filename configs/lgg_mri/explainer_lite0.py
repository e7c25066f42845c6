"""NN-Explainer of the tumour classifier: one class, whose mask should lie on the tumour.

    python train.py --config=configs/lgg_mri/explainer_lite0.py --workdir=runs/lgg_explainer

It needs the classifier of configs/lgg_mri/classifier_lite0.py. With one class the published loss is
met by a mask over most of the head (docs/explainer.md). So the removed part of a slice with a
tumour shall look healthy (presence_weight, in place of the entropy), what is removed becomes black,
the colour around the head, and the bound of the area is firm; a tumour covers 2 % of a slice.
"""

import dataclasses

from configs import recipes
from configs.lgg_mri.scans import PICTURES
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Constant
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture, Segmenter
from xai_jax.report.while_training import ClassMasks

STEPS = 240


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config(
        network=Segmenter(num_classes=1, architecture=Architecture.LIGHT),
        entropy_weight=0.0,
        presence_weight=3.0,
        variation_weight=0.3,
        bound_weight=30.0,
        target_area_weight=0.01,
        other_area_weight=0.3,
        min_area=0.005,
        max_area=0.1,
        max_targets=1,
        learning_rate=2e-3,
        decay_steps=STEPS,
    )
    validation = PICTURES.once("validation")
    experiment = recipes.new_explainer(
        PICTURES,
        method,
        "runs/lgg_classifier",
        data=PICTURES.training(Augment(saturation=0.0, hue=0.0)),
        validation=Validation(data=validation, every=100),
        panels=ClassMasks(method=method, data=validation),
        num_steps=STEPS,
        log_every=20,
    )
    assert experiment.explained is not None
    explained = dataclasses.replace(experiment.explained, infill=Constant(value=0.0))
    return dataclasses.replace(experiment, explained=explained)
