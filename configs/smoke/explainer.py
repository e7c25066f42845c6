"""Minutes on a CPU: the Explainer learns where the textures are that a known classifier reads.

    python train.py --config=configs/smoke/explainer.py --workdir=runs/smoke_explainer

Pictures have one or two shapes whose texture is the class (`data.planted`), and nothing else tells
it.

Expect masks whose continuous IoU with the shapes is above 0.45 on average: the test of the
training programs asks for that after 80 steps of half as many pictures. A mask that keeps
everything has the shapes' own share, 0.15.
"""

import dataclasses

from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import planted
from xai_jax.data.pipeline import Pipeline
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Constant
from xai_jax.methods import explainer
from xai_jax.runtime.weights_file import WeightsFile

SIDE, CLASSES, STEPS = 64, 4, 160


@dataclasses.dataclass(slots=True, kw_only=True)
class Reader:
    """The classifier of planted pictures."""

    def build(self) -> Classifier:
        """Matched filters of the textures."""
        return planted.reader(CLASSES)


def pictures(split: str, num: int, num_epochs: int) -> Pipeline:
    """Planted pictures of a split; 0 epochs: without end."""
    return Pipeline(
        source=planted.Planted(size=SIDE, num_classes=CLASSES, num=num, split=split),
        resize=Preprocess(height=SIDE, width=SIDE),
        masks="soft",
        shuffle=num_epochs == 0,
        num_epochs=num_epochs,
    )


def explained() -> Explained:
    """That classifier; grey where a mask removes."""
    return Explained(classifier=Reader(), infill=Constant(value=0.5))


def get_config() -> Experiment:
    """The experiment."""
    method = explainer.Config.smoke()
    return Experiment(
        method=method,
        explained=explained(),
        data=pictures("train", 400, 0),
        validation=Validation(data=pictures("validation", 32, 1), every=80),
        num_steps=STEPS,
        batch_size=16,
        log_every=20,
        export=WeightsFile(
            kind="explainer",
            config=method,
            preprocess=Preprocess(height=SIDE, width=SIDE),
            class_names=planted.TEXTURES[:CLASSES],
        ),
    )
