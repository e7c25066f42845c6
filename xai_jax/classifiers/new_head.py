"""Classifiers that were trained here: one file holds all of it."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp

from xai_jax.classifiers import entries
from xai_jax.classifiers.ported import Ported
from xai_jax.classifiers.published import Pretrained
from xai_jax.core.domains import Positive, Real
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import PyTree
from xai_jax.nn.learner import Weights
from xai_jax.runtime import header, weights_file

KIND = "classifier"  # of such a file
HEAD = ("hidden", "classes")  # the dense layers of our networks; the rest is the trunk
_CHANNELS = 3


@dataclasses.dataclass(slots=True, kw_only=True)
class NewHead(Settings):
    """What such a classifier is besides its weights, its preprocessing and its class names.

    Fields:
        architecture: whose network it is, one that `entries.architecture_of` knows.
        head: how its logits become probabilities.
        mean, std: one number a channel, in unit pixels.
    """

    architecture: str = ""
    head: Head = Head.SIGMOID
    mean: tuple[Real, ...] = ()
    std: tuple[Positive, ...] = ()


def on(name: str, head: Head) -> NewHead:
    """A new head on the network `name`, whose trunk wants its mean and std.

    Raises:
        ValueError: there is no such network.
    """
    entry = entries.architecture_of(name)
    return NewHead(architecture=name, head=head, mean=entry.mean, std=entry.std)


def load(path: Path) -> Pretrained:
    """The classifier that `runtime.weights_file.WeightsFile` has written.

    Raises:
        ValueError: the file is none, damaged, or not that of a network which its settings make.
        OSError: it cannot be read.
    """
    content = weights_file.read(path)
    weights_file.check_kind(content, (KIND,))
    about = header.settings(NewHead(), content.header.config, content.path, "config")
    _check(about, content)
    network = _network(about.architecture, content.path)
    num_classes = len(content.header.class_names)
    remedy = f"it must be {about.architecture} with {num_classes} classes; {header.REMEDY}"
    found = weights_file.weights(content, _shapes(network, num_classes), remedy)
    params = jax.tree.map(jnp.asarray, _joined(found))
    return Pretrained(
        name=_called(Path(path)),
        classifier=network.classifier(params, mean=about.mean, std=about.std, head=about.head),
        class_names=content.header.class_names,
        preprocess=content.header.preprocess,
        weights_sha256=content.sha256,
        source=str(path),
    )


def _called(path: Path) -> str:
    """What people call it: its run, and by its file if that does not lie in one."""
    run = path.absolute().parent.name
    return run if path.stem == KIND and run else path.name


def parts(params: Mapping[str, PyTree]) -> Weights:
    """The parameters of a published network as they are trained.

    Returns:
        As `params` ``{"trunk", "head"}``, and as `statistics` the running ones of batch norm, where
        it is not folded.
    """
    head = {name: params[name] for name in HEAD if name in params}
    trunk = {name: leaf for name, leaf in params.items() if name not in {*HEAD, "statistics"}}
    statistics = params.get("statistics", {})
    return Weights(params={"trunk": trunk, "head": head}, statistics=statistics)


def _joined(weights: Weights) -> dict[str, PyTree]:
    """The inverse of `parts`."""
    params = {**weights.params["trunk"], **weights.params["head"]}
    return {**params, "statistics": weights.statistics} if weights.statistics else params


def _shapes(network: Ported, num_classes: int) -> Weights:
    return parts(network.shapes(num_classes))


def _network(architecture: str, path: Path) -> Ported:
    try:
        return entries.architecture_of(architecture).network
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check(about: NewHead, content: weights_file.Content) -> None:
    """Refuses numbers with which no picture could be normalised, and a file without classes."""
    wrong = None
    if len(about.mean) != _CHANNELS or not all(map(math.isfinite, about.mean)):
        wrong = f"config.mean is {about.mean!r:.80} and must be {_CHANNELS} finite numbers"
    elif len(about.std) != _CHANNELS or not all(0 < side < math.inf for side in about.std):
        wrong = f"config.std is {about.std!r:.80} and must be {_CHANNELS} finite numbers above 0"
    elif not content.header.class_names:
        wrong = "class_names is empty and must name every class"
    if wrong:
        raise ValueError(f"{content.path}: {wrong}; {header.REMEDY}.")
