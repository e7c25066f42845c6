"""What the trainings for STEEX on two CPU cores share, whatever the pictures."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from configs import recipes
from configs.recipes import Pictures
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.segmenter import KIND as SEGMENTER
from xai_jax.classifiers.segmenter import Predicted
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core.method import Explained
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.transforms import Augment
from xai_jax.experiment import Experiment, Validation
from xai_jax.generators.sean import KIND
from xai_jax.infills.constant import Mean
from xai_jax.nn.sean import Sean as Network
from xai_jax.nn.segmenter import Architecture, RegionSegmenter
from xai_jax.pretrain import classifier, sean, segmenter
from xai_jax.runtime.weights_file import WeightsFile

MIRRORED = Augment(flip=0.5, rotation=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)


def with_regions(data: Pipeline) -> Pipeline:
    """The same pictures with their label maps."""
    return dataclasses.replace(data, regions=True)


def with_predicted(data: Pipeline, run: str) -> Pipeline:
    """The same pictures with the label maps of the segmenter that a training has left in `run`."""
    return dataclasses.replace(data, regions=False, segmenter=Predicted(weights=run))


def new_classifier(
    pictures: Pictures,
    steps: int,
    trunk_rate: float = 2e-5,
    architecture: str = "efficientnet_lite0",
    seed: int = 0,
    augment: Augment | None = None,
) -> Experiment:
    """A network of one logit, its ImageNet trunk trained on, which STEEX explains; or an oracle."""
    method = classifier.Config(
        num_classes=1,
        learning_rate=1e-3,
        trunk_frozen=False,
        trunk_rate=trunk_rate,  # at 1e-4 all of the trunk's features die within 40 steps
        decay_steps=steps,
    )
    return recipes.new_classifier(
        pictures,
        architecture,
        method,
        data=pictures.training(augment),
        validation=Validation(data=pictures.once("validation"), every=100),
        num_steps=steps,
        seed=seed,
        log_every=20,
        checkpoint_every=50,
    )


def new_sean(
    pictures: Pictures, network: Network, steps: int, half_steps: int = 0, **run: Any
) -> Experiment:
    """A light SEAN: pixels and Lite1's features, and critics in the last third of the steps.

    Args:
        pictures: with the splits "train" and "validation", whose masks number the regions.
        network: its settings.
        steps: of which the rate falls in the second half.
        half_steps: of these the first, at half the size.
        **run: other fields of the Experiment, or `num_steps` to stop before the last one.
    """
    given: dict[str, Any] = {"num_steps": steps, **run}
    method = sean.Config(
        network=network,
        critic_width=16,
        generator_rate=2e-3,
        critic_rate=1e-3,
        steady_steps=steps // 2,
        decay_steps=steps // 2,
        pixel_weight=5.0,
        feature_weight=0.1,
        matching_weight=2.0,
        adversarial_weight=0.1,
        critic_from=2 * steps // 3,
        half_steps=half_steps,
        average=0.99,
    )
    return Experiment(
        method=method,
        explained=Explained(classifier=Named(name="efficientnet_lite1"), infill=Mean()),
        data=with_regions(pictures.training()),
        validation=Validation(data=with_regions(pictures.once("validation")), every=250),
        batch_size=8,
        log_every=25,
        checkpoint_every=50,
        export=pictures.exported(KIND, network),
        **given,
    )


def from_nothing(made: Experiment) -> Experiment:
    """A training of a segmenter, now as STEEX's authors': DeepLabv3 on ResNet-101, all at 1e-4."""
    made.method.network.architecture = Architecture.DEEPLAB101
    made.method.learning_rate, made.method.trunk_rate, made.method.decay_steps = 1e-4, None, 0
    made.start = None
    return made


def new_segmenter(
    pictures: Pictures,
    regions: Sequence[str],
    steps: int,
    *,
    void: int = 255,
    every: int = 250,
    **run: Any,
) -> Experiment:
    """The light segmenter on ImageNet's trunk; mirror images are shown too.

    Args:
        pictures: with the splits "train" and "validation", whose masks number the regions.
        regions: names of the numbers.
        steps: over which the rate falls along a half cosine.
        void: the number of what nobody decided.
        every: steps from one validation to the next.
        **run: other fields of the Experiment.
    """
    network = RegionSegmenter(regions=tuple(regions), architecture=Architecture.LIGHT)
    method = segmenter.Config(
        network=network, void=void, learning_rate=3e-3, trunk_rate=1e-3, decay_steps=steps
    )
    given: dict[str, Any] = {"batch_size": 16, **run}
    return Experiment(
        method=method,
        start=Trunk(architecture=network.architecture),
        data=with_regions(pictures.training(MIRRORED)),
        validation=Validation(
            data=with_regions(pictures.once("validation")),
            every=every,
            metric="mean_iou",
            maximise=True,
        ),
        num_steps=steps,
        log_every=25,
        checkpoint_every=50,
        export=WeightsFile(kind=SEGMENTER, config=network, preprocess=pictures.preprocess()),
        **given,
    )
