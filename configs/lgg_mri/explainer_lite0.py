"""NN-Explainer of the tumour classifier: one class, whose mask should lie on the tumour.

    python train.py --config=configs/lgg_mri/explainer_lite0.py --workdir=runs/lgg_explainer

It needs the classifier of configs/lgg_mri/classifier_lite0.py. A tumour covers 2 % of a slice, so
that the bounds of its area are lower than the published ones.
"""

from configs.lgg_mri import scans
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture, Segmenter
from xai_jax.report.while_training import ClassMasks
from xai_jax.runtime.export import Export

STEPS = 240


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config(
        network=Segmenter(num_classes=1, architecture=Architecture.LIGHT),
        entropy_weight=10.0,
        variation_weight=0.3,
        bound_weight=0.8,
        target_area_weight=0.01,
        other_area_weight=0.3,
        min_area=0.005,
        max_area=0.1,
        max_targets=1,
        learning_rate=2e-3,
        decay_steps=STEPS,
    )
    classifier = Named(name="runs/lgg_classifier/classifier.safetensors")
    infill, validation = Mean(), scans.once("validation")
    return Experiment(
        method=method,
        classifier=classifier,
        infill=infill,
        start=Trunk(architecture=Architecture.LIGHT),
        data=scans.training(Augment(saturation=0.0, hue=0.0)),
        validation=Validation(data=validation, every=100),
        panels=ClassMasks(method=method, classifier=classifier, infill=infill, data=validation),
        num_steps=STEPS,
        batch_size=16,
        log_every=20,
        export=Export(
            kind="explainer",
            config=method,
            preprocess=scans.preprocess(),
            class_names=scans.CLASS_NAMES,
        ),
    )
