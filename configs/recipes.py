"""What the configs have in common: how a classifier, and how its Explainer, is put together."""

import dataclasses
from collections.abc import Callable
from typing import Any

from xai_jax.classifiers import trained
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.pipeline import BuildsSource, Masks, Pipeline
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.pretrain import classifier
from xai_jax.runtime.export import Export


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of a folder of configs.

    Fields:
        of_split: where those of a split come from.
        size: what every network of these pictures is given.
        class_names: one a class.
        num_threads: workers that decode and resize.
    """

    of_split: Callable[[str], BuildsSource]
    size: Preprocess
    class_names: tuple[str, ...]
    num_threads: int = 8

    def preprocess(self) -> Preprocess:
        """The size, for one config to keep: settings can be changed on the command line."""
        return dataclasses.replace(self.size)

    def training(self, augment: Augment | None = None) -> Pipeline:
        """Those of the split "train", shuffled, without end."""
        return dataclasses.replace(self.once("train"), augment=augment, shuffle=True, num_epochs=0)

    def once(self, split: str, masks: Masks = "none") -> Pipeline:
        """Every picture of a split, once."""
        return Pipeline(
            source=self.of_split(split),
            resize=self.preprocess(),
            masks=masks,
            num_threads=self.num_threads,
        )


def new_classifier(
    pictures: Pictures, name: str, method: classifier.Config, **run: Any
) -> Experiment:
    """A new head on the pretrained classifier `name`; `run` are other fields of the Experiment."""
    return Experiment(
        method=method,
        classifier=Named(name=name),
        infill=Mean(),
        batch_size=16,
        export=Export(
            kind=trained.KIND,
            config=trained.network(name, method.head),
            preprocess=pictures.preprocess(),
            class_names=pictures.class_names,
        ),
        **run,
    )


def new_explainer(
    pictures: Pictures, method: explainer.Config, explained: str, **run: Any
) -> Experiment:
    """The Explainer of the classifier that a run has left in the folder `explained`.

    Its trunk begins with ImageNet's weights, and `run` are other fields of the Experiment.
    """
    return Experiment(
        method=method,
        classifier=Named(name=f"{explained}/classifier.safetensors"),
        infill=Mean(),
        start=Trunk(architecture=method.network.architecture),
        batch_size=16,
        export=Export(
            kind="explainer",
            config=method,
            preprocess=pictures.preprocess(),
            class_names=pictures.class_names,
        ),
        **run,
    )


def until_stale(pictures: Pictures, epoch: int, patience: int) -> dict[str, Any]:
    """Data, validation and steps of the published runs, which stop early.

    Args:
        pictures: with the splits "train" and "validation".
        epoch: steps of it.
        patience: epochs in a row that have not lowered the validation loss by 0.001, at which a run
            stops; at the latest after a thousand epochs.
    """
    validation = Validation(
        data=pictures.once("validation"), every=epoch, min_delta=0.001, patience=patience
    )
    return {"data": pictures.training(), "validation": validation, "num_steps": 1000 * epoch}
