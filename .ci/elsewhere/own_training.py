"""A config as a user writes it: LeNet learns drawn pictures, from nothing."""

from own_pictures import CLASS_NAMES, SIZE, pictures

from xai_jax.classifiers import new_head
from xai_jax.classifiers.fresh import Fresh
from xai_jax.core.method import Explained
from xai_jax.core.targets import Head
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import classifier
from xai_jax.runtime.weights_file import WeightsFile

NUM = len(CLASS_NAMES)


def get_config() -> Experiment:
    """The experiment."""
    return Experiment(
        method=classifier.Config(num_classes=NUM, trunk_frozen=False, trunk_rate=1e-3),
        explained=Explained(classifier=Fresh(num_classes=NUM), infill=Mean()),
        data=pictures("train", 64, endless=True),
        validation=Validation(data=pictures("validation", 16), every=10),
        num_steps=20,
        batch_size=16,
        export=WeightsFile(
            kind=new_head.KIND,
            config=new_head.on("lenet", Head.SIGMOID),
            preprocess=SIZE,
            class_names=CLASS_NAMES,
        ),
    )
