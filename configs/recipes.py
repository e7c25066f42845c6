"""What the configs have in common: how a classifier, and how its Explainer, is put together."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from xai_jax.classifiers import new_head
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core.method import Builds, Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Examples
from xai_jax.data.pipeline import Masks, Pipeline
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer, extremal, fido, rtis
from xai_jax.pretrain import classifier
from xai_jax.runtime.weights_file import WeightsFile
from xai_jax.scoring.evaluation import Contestant, Evaluation

Choice = TypeVar("Choice")

_NEVER = 10**7  # steps, that a run which stops early does not reach


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """The pictures of a folder of configs.

    Fields:
        of_split: where those of a split come from.
        size: what every network of these pictures is given.
        class_names: one a class.
        num_threads: workers that decode and resize.
    """

    of_split: Callable[[str], Builds[Examples]]
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
        explained=Explained(classifier=Named(name=name), infill=Mean()),
        batch_size=16,
        export=WeightsFile(
            kind=new_head.KIND,
            config=new_head.on(name, method.head),
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
        explained=Explained(
            classifier=Named(name=f"{explained}/classifier.safetensors"), infill=Mean()
        ),
        start=Trunk(architecture=method.network.architecture),
        batch_size=16,
        export=WeightsFile(
            kind="explainer",
            config=method,
            preprocess=pictures.preprocess(),
            class_names=pictures.class_names,
        ),
        **run,
    )


def new_rtis(like: Experiment, method: rtis.Config) -> Experiment:
    """RTIS on the pictures, steps and classifier of the Explainer `like`."""
    assert isinstance(like.export, WeightsFile)
    export = dataclasses.replace(like.export, kind="rtis", config=method)
    return dataclasses.replace(like, method=method, export=export)


def scores_of(
    trained: Experiment,
    data: Pipeline,
    contestants: Mapping[str, Contestant],
    classes: tuple[int, ...] = (),
) -> Evaluation:
    """Explanations of the classifier, and on the infill, of the experiment `trained`."""
    assert trained.explained is not None
    return Evaluation(
        explained=trained.explained,
        data=data,
        batch_size=8,
        contestants=contestants,
        classes=classes,
    )


def named(which: str, choices: Mapping[str, Choice]) -> Choice:
    """What ``--config=FILE:which`` chooses.

    Raises:
        ValueError: there is no such choice.
    """
    if which not in choices:
        raise ValueError(f"--config=FILE:{which} is no choice; take one of {', '.join(choices)}.")
    return choices[which]


def left_by(trained: Experiment, run: str) -> Contestant:
    """What the training of `trained` has left in the folder `run`."""
    assert isinstance(trained.export, WeightsFile)
    return Contestant(method=trained.method, trained=f"{run}/{trained.export.kind}.safetensors")


def one_class_at_a_time(num_pictures: int) -> dict[str, Contestant]:
    """FIDO, fast, and the published Extremal Perturbations, on the first so many pictures."""
    areas = extremal.Config(
        areas=(0.05, 0.1, 0.2, 0.3), reward=extremal.Reward.CONTRASTIVE, smooth=0.09
    )
    methods = {"fido": fido.Config.fast(), "extremal": areas}
    return {
        name: Contestant(method=method, num_pictures=num_pictures, num_specific=0)
        for name, method in methods.items()
    }


def until_stale(pictures: Pictures, patience: int) -> dict[str, Any]:
    """Data, validation and steps of the published runs, which stop early.

    Args:
        pictures: with the splits "train" and "validation".
        patience: epochs in a row that have not lowered the validation loss by 0.001, at which a run
            stops.
    """
    validation = Validation(
        data=pictures.once("validation"), every=0, min_delta=0.001, patience=patience
    )
    return {"data": pictures.training(), "validation": validation, "num_steps": _NEVER}
