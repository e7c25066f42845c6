"""What the configs have in common: how a classifier, and how its Explainer, is put together."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from xai_jax.classifiers import new_head
from xai_jax.classifiers.pretrained import Named, check_oracle
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Builds, Explained
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Examples
from xai_jax.data.pairs import Pairs
from xai_jax.data.pipeline import Masks, Pipeline
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer, rtis, syce
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet
from xai_jax.pretrain import classifier
from xai_jax.runtime.weights_file import WeightsFile
from xai_jax.scoring.evaluation import Contestant, Evaluation

Choice = TypeVar("Choice")
FLIP = 1.0  # weight of SyCE's flip in the light trainings; 0.2 is published


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

    def exported(self, kind: str, config: Any) -> WeightsFile:
        """What a training on them leaves: a file of that kind, of a network with those settings."""
        return WeightsFile(
            kind=kind,
            config=config,
            preprocess=self.preprocess(),
            class_names=self.class_names,
        )


def new_classifier(
    pictures: Pictures, name: str, method: classifier.Config, **run: Any
) -> Experiment:
    """A new head on the pretrained classifier `name`; `run` are other fields of the Experiment."""
    return Experiment(
        method=method,
        explained=Explained(classifier=Named(name=name), infill=Mean()),
        batch_size=16,
        export=pictures.exported(new_head.KIND, new_head.on(name, method.head)),
        **run,
    )


def tuned_classifier(
    pictures: Pictures, name: str, steps: int, augment: Augment, seed: int = 0
) -> Experiment:
    """One class, for small pictures: all of the pretrained classifier `name` is trained on.

    Args:
        pictures: with the splits "train" and "validation".
        name: see above.
        steps: of 32 pictures, over which the rates fall.
        augment: how training pictures are varied.
        seed: of the head, and of the pictures' order and variations.
    """
    method = classifier.Config(
        num_classes=1,
        learning_rate=1e-3,
        trunk_frozen=False,
        trunk_rate=3e-4,
        dropout=0.3,
        decay_steps=steps,
    )
    made = new_classifier(
        pictures,
        name,
        method,
        data=dataclasses.replace(pictures.training(augment), seed=seed),
        validation=Validation(data=pictures.once("validation"), every=100),
        num_steps=steps,
        seed=seed,
        checkpoint_every=100,
    )
    return dataclasses.replace(made, batch_size=32)


def new_syce(
    pictures: Pictures,
    explained: str,
    steps: int,
    channels: int = 1,
    of: syce.Config | None = None,
) -> Experiment:
    """SyCE of a classifier of one class, light, for pictures of 64 pixels or so.

    Places of the networks are squares of 2 x 2 pixels, what the critics see is shifted by up to 4
    pixels, and a moving average of the generators is exported, that of the last step: the loss goes
    by critics that change. The flip weighs `FLIP`, and to keep the decision twenty times as much as
    published. With the published weight of the flip a fresh generator may never leave the picture
    itself, with which it begins.

    Args:
        pictures: with the splits "train" and "validation".
        explained: the folder in which a run has left the classifier.
        steps: of 16 pictures a domain.
        channels: of what is drawn; 1: grey.
        of: the settings whose networks and rates these are to be; ``None``: SyCE's.
    """
    own = syce.Config() if of is None else of
    method = dataclasses.replace(
        own,
        loss=dataclasses.replace(
            own.loss, flip=FLIP, keep=20 * own.loss.keep, cycle_keep=20 * own.loss.cycle_keep
        ),
        network=UNet(stem=2, channels=channels),
        critic=PatchDiscriminator(stem=2),
        critic_shift=4,
        learning_rate=1e-3,
        decay_steps=steps,
        average=0.995,
    )
    moved = Augment(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    return Experiment(
        method=method,
        explained=Explained(
            classifier=Named(name=f"{explained}/classifier.safetensors"), infill=Mean()
        ),
        data=Pairs(pictures=pictures.training(moved)),
        validation=Validation(data=pictures.once("validation"), every=500, metric=None),
        num_steps=steps,
        batch_size=32,
        checkpoint_every=250,
        export=pictures.exported("syce", method),
    )


def new_explainer(
    pictures: Pictures,
    method: explainer.Config,
    explained: str,
    infill: Builds[Infill] | None = None,
    **run: Any,
) -> Experiment:
    """The Explainer of a trained classifier; its trunk begins with ImageNet's weights.

    Args:
        pictures: whose classes both know.
        method: its settings.
        explained: the folder in which a run has left the classifier.
        infill: what stands where a mask removes; ``None``: the mean colour.
        **run: other fields of the Experiment.
    """
    return Experiment(
        method=method,
        explained=Explained(
            classifier=Named(name=f"{explained}/classifier.safetensors"), infill=infill or Mean()
        ),
        start=Trunk(architecture=method.network.architecture),
        batch_size=16,
        export=pictures.exported("explainer", method),
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


def judged(which: str) -> tuple[str, bool]:
    """A choice without the ":oracle" behind it, and whether it was there and somebody is asked."""
    behind = ":oracle"
    return which.removesuffix(behind), which.endswith(behind)


def oracle(explained: Named, run: str) -> Classifier:
    """The classifier that is asked beside the explained one.

    Args:
        explained: this one.
        run: the folder in which a training has left the other.

    Raises:
        ValueError: it is of other classes, or of pictures of another size.
        OSError: one of the two cannot be read.
    """
    own = Named(name=f"{run}/classifier.safetensors")
    found = own.load()
    check_oracle(own.name, found, explained.load())
    return found.classifier


def otherwise(trained: Contestant, **settings: Any) -> Contestant:
    """The same networks, which explain with other settings."""
    return dataclasses.replace(trained, method=dataclasses.replace(trained.method, **settings))


def left_by(trained: Experiment, run: str) -> Contestant:
    """What the training of `trained` has left in the folder `run`."""
    assert isinstance(trained.export, WeightsFile)
    return Contestant(method=trained.method, trained=f"{run}/{trained.export.kind}.safetensors")
