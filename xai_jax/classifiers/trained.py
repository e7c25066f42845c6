"""Classifiers that were trained here: one file holds the weights and all that their use needs."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax.errors import FlaxError

from xai_jax.classifiers import pretrained
from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Positive, Real
from xai_jax.core.settings import Settings, changed
from xai_jax.core.targets import Head, as_head
from xai_jax.core.types import PyTree
from xai_jax.runtime import export

KIND = "classifier"  # of such a file


@dataclasses.dataclass(slots=True, kw_only=True)
class Network(Settings):
    """What an exported classifier is besides its weights, its preprocessing and its class names.

    Fields:
        architecture: one of `pretrained.CLASSIFIERS`.
        head: how its logits become probabilities.
        mean, std: one number a channel, in unit pixels.
    """

    architecture: str
    head: Head
    mean: tuple[Real, ...]
    std: tuple[Positive, ...]


def network(name: str, head: Head | str) -> Network:
    """A new head on the pretrained classifier `name`, whose trunk wants its mean and std.

    Raises:
        ValueError: there is no such classifier.
    """
    entry = pretrained.entry_of(name)
    return Network(architecture=name, head=as_head(head), mean=entry.mean, std=entry.std)


def load(path: Path) -> pretrained.Pretrained:
    """The classifier that `runtime.export.Export` has written.

    Raises:
        ValueError: the file is none, or damaged.
        OSError: it cannot be read.
    """
    exported = export.read(path)
    if exported.kind != KIND:
        raise ValueError(
            f"{path} holds what {exported.kind} has learned and no classifier; name the file "
            f"{KIND}.safetensors that the training of the classifier has left."
        )
    about = changed(Network, exported.config, f"{path}: config")
    architecture = pretrained.entry_of(about.architecture).architecture
    classifier = architecture.classifier(
        _params(exported.tree), mean=about.mean, std=about.std, head=about.head
    )
    if not _is_whole(classifier, exported):
        raise ValueError(
            f"The weights in {path} are not those of {about.architecture} with "
            f"{len(exported.class_names)} classes; the file is damaged, export it again."
        )
    return pretrained.Pretrained(
        name=Path(path).name,
        classifier=classifier,
        class_names=exported.class_names,
        preprocess=exported.preprocess,
        weights_sha256=exported.sha256,
        source=str(path),
    )


def _params(tree: PyTree) -> PyTree:
    """The network's own parameters; empty where `tree` is not that of a trained classifier."""
    params = tree.get("params", {}) if isinstance(tree, dict) else {}
    parts = [params.get(name, {}) for name in ("trunk", "head")] if isinstance(params, dict) else []
    merged = {name: leaf for part in parts if isinstance(part, dict) for name, leaf in part.items()}
    statistics = tree.get("statistics", {}) if isinstance(tree, dict) else {}
    if isinstance(statistics, dict) and statistics:  # of a trunk whose batch norm is not folded
        merged["statistics"] = statistics
    return jax.tree.map(jnp.asarray, merged)


def _is_whole(classifier: Classifier, exported: export.Exported) -> bool:
    """Whether the weights are finite and make the network answer for each class."""
    preprocess = exported.preprocess
    finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(exported.tree))
    try:
        found = classifier.num_classes((preprocess.height, preprocess.width, 3))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, FlaxError):
        return False
    return finite and found == len(exported.class_names)
