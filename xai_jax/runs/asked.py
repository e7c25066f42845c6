"""How a set of pictures is explained: by whom, for which class, and on which devices."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import Mesh

from xai_jax.core import outputs, targets
from xai_jax.core.method import Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.outputs import CLASS_LOG_ODDS, PREDICTED, Output
from xai_jax.core.targets import ChooseTarget
from xai_jax.core.types import PRNGKey
from xai_jax.runs import batch as batches

Target = np.ndarray | ChooseTarget  # [n] of all pictures, or how to choose it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How a set of pictures is explained.

    Fields:
        inspector: who explains.
        target: the class of each picture, or how to choose it.
        key: of all randomness.
        batch_size: rows of a batch; bounds the memory.
        mesh: devices that share each batch; ``None``: the one where the weights are.
        metrics: what is measured of each picture.
        decisions: also the classifier's answer to the whole picture.
        image_shape: ``(h, w, c)`` of the pictures.
    """

    inspector: Inspector
    target: Target
    key: PRNGKey
    batch_size: int
    image_shape: tuple[int, int, int]
    mesh: Mesh | None = None
    metrics: Sequence[Metric] = ()
    decisions: bool = False

    @property
    def size(self) -> int:
        """Rows of the compiled call: the batch, filled up for the devices."""
        devices = 1 if self.mesh is None else self.mesh.size
        return -(-self.batch_size // devices) * devices

    def check(self) -> int:
        """Refuses what cannot be explained, before anything is compiled or written.

        Returns:
            The number of classes.

        Raises:
            ValueError: a target is outside the classes, the classifier answers no logits, or the
                method cannot explain it or such pictures.
        """
        classifier = self.inspector.frozen.classifier
        num_classes = classifier.num_classes(self.image_shape, self.size)
        batches.check_weights(self.inspector)
        batches.check_head(classifier.head, num_classes)
        self.inspector.frozen.infill.check((self.size, *self.image_shape))
        check = self.inspector.method.build().check
        if check is not None:
            check(self.inspector.frozen, (self.size, *self.image_shape))
        if self.target is targets.runner_up:
            logits = jax.ShapeDtypeStruct((self.size, num_classes), np.float32)
            jax.eval_shape(targets.runner_up, logits)  # says what is wrong
        if callable(self.target):
            return num_classes
        wrong = self.target[(self.target < 0) | (self.target >= num_classes)]
        if len(wrong):
            raise ValueError(
                f"Target {wrong[0]} is outside the classifier's classes 0 to {num_classes - 1}."
            )
        return num_classes

    def known(self) -> dict[str, Output]:
        """All that may be said of a picture, by name."""
        own = list(batches.declared(self.inspector, self.metrics).values())
        extra = [CLASS_LOG_ODDS, PREDICTED] if self.decisions else []
        return outputs.by_name([*own, *extra])
