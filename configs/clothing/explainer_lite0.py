"""NN-Explainer of the clothes classifier: the mask of each of the nine classes in one pass.

    python train.py --config=configs/clothing/explainer_lite0.py --workdir=runs/clothing_explainer

It needs the classifier of configs/clothing/classifier_lite0.py. The weights are those published for
VOC-2007 with ResNet-50, but for the total variation (a third: pictures are smaller, so that edges
are a larger share of them) and the bounds of the area, which are those of clothes.
"""

from configs.clothing import clothes
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture, Segmenter
from xai_jax.report.while_training import ClassMasks
from xai_jax.runtime.export import Export

STEPS = 600


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config(
        network=Segmenter(num_classes=len(clothes.CLASS_NAMES), architecture=Architecture.LIGHT),
        entropy_weight=10.0,
        variation_weight=0.3,
        bound_weight=0.8,
        target_area_weight=0.01,
        min_area=0.03,
        max_area=0.15,
        max_targets=len(clothes.CLASS_NAMES),
        learning_rate=2e-3,
        decay_steps=STEPS,
    )
    classifier = Named(name="runs/clothing_classifier/classifier.safetensors")
    infill, validation = Mean(), clothes.once("validation")
    return Experiment(
        method=method,
        classifier=classifier,
        infill=infill,
        start=Trunk(architecture=Architecture.LIGHT),
        data=clothes.training(Augment(rotation=0.0, hue=0.0)),
        validation=Validation(data=validation, every=100),
        panels=ClassMasks(method=method, classifier=classifier, infill=infill, data=validation),
        num_steps=STEPS,
        batch_size=16,
        log_every=20,
        export=Export(
            kind="explainer",
            config=method,
            preprocess=clothes.preprocess(),
            class_names=clothes.CLASS_NAMES,
        ),
    )
