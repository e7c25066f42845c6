"""The classifier, tumour or not, that the explanations of this folder explain.

    python train.py --config=configs/lgg_mri/classifier_lite0.py --workdir=runs/lgg_classifier

EfficientNet-Lite0, its ImageNet trunk trained on at a lower rate than the new head.

Measured on two CPU cores: at step 240, the state that is exported, valid/loss 0.204, of 657 slices
91 % rightly decided, micro F 0.842. (Step 80: 0.321 and 0.653.)
"""

from configs.lgg_mri import scans
from xai_jax.classifiers import trained
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.targets import Head
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import classifier
from xai_jax.runtime.export import Export

NAME, STEPS = "efficientnet_lite0", 240


def get_config() -> Experiment:
    """The experiment."""
    return Experiment(
        method=classifier.Config(
            num_classes=1,
            learning_rate=1e-3,
            trunk_frozen=False,
            trunk_rate=1e-4,
            dropout=0.3,
            decay_steps=STEPS,
        ),
        classifier=Named(name=NAME),
        infill=Mean(),
        data=scans.training(Augment(saturation=0.0, hue=0.0)),
        validation=Validation(data=scans.once("validation"), every=80),
        num_steps=STEPS,
        batch_size=16,
        log_every=20,
        export=Export(
            kind=trained.KIND,
            config=trained.network(NAME, Head.SIGMOID),
            preprocess=scans.preprocess(),
            class_names=scans.CLASS_NAMES,
        ),
    )
