"""A minute on a CPU: a new head on EfficientNet-Lite0 learns to tell planted textures.

    python train.py --config=configs/smoke/classifier.py --workdir=runs/smoke_classifier

It leaves runs/smoke_classifier/classifier.safetensors, which `xai-jax predict --classifier` and
`xai-jax explain --classifier` take.

Expect in the last line of metrics.jsonl valid/loss below 0.5, which the test of such a file asks
for after 50 steps. Always saying how frequent a class is would cost 0.66.
"""

from xai_jax.classifiers import new_head
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.method import Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.data import planted
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.pretrain import classifier
from xai_jax.runtime.weights_file import WeightsFile

NAME, CLASSES, STEPS = "efficientnet_lite0", 4, 100
HEIGHT, WIDTH = 64, 96  # the pictures are square and become wider, so that nothing can mix the two


def pictures(split: str, num: int, num_epochs: int) -> Pipeline:
    """Planted pictures of a split; 0 epochs: without end."""
    return Pipeline(
        source=planted.Planted(size=WIDTH, num_classes=CLASSES, num=num, split=split),
        resize=Preprocess(height=HEIGHT, width=WIDTH),
        shuffle=num_epochs == 0,
        num_epochs=num_epochs,
    )


def get_config() -> Experiment:
    """The experiment."""
    return Experiment(
        method=classifier.Config(num_classes=CLASSES, learning_rate=3e-3, decay_steps=STEPS),
        explained=Explained(classifier=Named(name=NAME), infill=Mean()),
        data=pictures("train", 400, 0),
        validation=Validation(data=pictures("validation", 64, 1), every=50),
        num_steps=STEPS,
        batch_size=16,
        log_every=20,
        export=WeightsFile(
            kind=new_head.KIND,
            config=new_head.on(NAME, Head.SIGMOID),
            preprocess=Preprocess(height=HEIGHT, width=WIDTH),
            class_names=planted.TEXTURES[:CLASSES],
        ),
    )
