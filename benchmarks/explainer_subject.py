"""What the Explainer is measured on: its two networks, Lite0 as the classifier, noise."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen, Method
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Mean
from xai_jax.methods import explainer
from xai_jax.nn.segmenter import Architecture, Segmenter


@dataclasses.dataclass(slots=True, kw_only=True)
class FirstClasses:
    """Lite0 that knows only the first of its thousand classes: a multi-label classifier.

    Fields:
        num_classes: how many.
    """

    num_classes: int

    def build(self) -> Classifier:
        """It, with Lite0's own weights."""
        whole = subject.frozen().classifier
        first = {name: x[..., : self.num_classes] for name, x in whole.params["classes"].items()}
        return whole.replace(params=whole.params | {"classes": first}, head=Head.SIGMOID)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One network at one size of pictures.

    Fields:
        architecture: of the network that draws the masks.
        num_classes: as in the run that it stands for: clothes, or VOC.
        height: of the pictures.
        width: of the pictures.
        batch_size: pictures at a time.
    """

    architecture: Architecture
    num_classes: int
    height: int
    width: int
    batch_size: int

    @property
    def words(self) -> str:
        """For the row of the table."""
        size = f"{self.width} x {self.height}"
        return f"{self.architecture.value}, {self.num_classes} classes, {self.batch_size} x {size}"

    @property
    def network(self) -> Segmenter:
        """Settings of the network."""
        return Segmenter(num_classes=self.num_classes, architecture=self.architecture)

    @property
    def method(self) -> explainer.Config:
        """Settings of the method."""
        return explainer.Config(network=self.network, max_targets=min(self.num_classes, 8))

    def frozen(self) -> Frozen:
        """Classifier and infill."""
        classifier = FirstClasses(num_classes=self.num_classes).build()
        return Frozen(classifier=classifier, infill=Mean().build(classifier))

    def batch(self) -> Batch:
        """Noise with one to three classes a picture, on the host."""
        rng = np.random.default_rng(0)
        num = self.batch_size
        labels = np.zeros((num, self.num_classes), np.float32)
        for row in labels:
            row[rng.choice(self.num_classes, rng.integers(1, 4), replace=False)] = 1.0
        return Batch(
            images=rng.random((num, self.height, self.width, 3), np.float32),
            target=labels.argmax(1).astype(np.int32),
            image_id=np.arange(num, dtype=np.uint32),
            weight=np.ones(num, np.float32),
            labels=labels,
        )

    def begun(self) -> tuple[Method, Frozen, Batch, jax.Array]:
        """Method, what it reads, a batch on the device, and a key."""
        batch = jax.tree.map(jnp.array, self.batch())
        return self.method.build(), self.frozen(), batch, jax.random.key(0)


def light(batch_size: int, height: int = 176, width: int = 96) -> Case:
    """The light network, as it is trained on clothes."""
    return Case(
        architecture=Architecture.LIGHT,
        num_classes=9,
        height=height,
        width=width,
        batch_size=batch_size,
    )


def deeplab(batch_size: int, side: int) -> Case:
    """The published network, with VOC's twenty classes."""
    return Case(
        architecture=Architecture.DEEPLAB,
        num_classes=20,
        height=side,
        width=side,
        batch_size=batch_size,
    )
